namespace Estafette.SystemTests.Harness;

/// <summary>The published program under test: <c>$ESTAFETTE_TEST_BIN</c>, or <c>out/bin</c> of the checkout.</summary>
internal static class Published
{
    public static string Bin { get; } = Find();

    public static string Tool(string name) => Path.Combine(Bin, name);

    private static string Find()
    {
        string? named = Environment.GetEnvironmentVariable("ESTAFETTE_TEST_BIN");
        if (!string.IsNullOrEmpty(named))
            return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Estafette.slnx")))
                return Path.Combine(folder.FullName, "out", "bin");
        }
        throw new InvalidOperationException("no out/bin: run ./build first");
    }
}
