namespace Estafette.SystemTests.Harness;

/// <summary>Runs scenarios in the sandbox of `./differ` (docs/testing.md) and fails with every difference from what Postfix did.</summary>
internal static class SideBySide
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    /// <summary>The folder of the checkout that holds the scenarios of tests.</summary>
    public static string Tests { get; } = Path.Combine(Checkout(), "tests");

    /// <summary>Holds one scenario, or generated cases, against Postfix.</summary>
    public static async Task SameAsPostfixAsync(params string[] arguments)
    {
        Assert.True(Environment.IsPrivilegedProcess, "the sandbox needs root");
        using var folder = new TemporaryFolder();
        CommandResult result = await Command.RunAsync("/usr/bin/env", ["dotnet", Path.Combine(AppContext.BaseDirectory, "Estafette.Differ.dll"), "--out", folder["cases"], .. arguments], null,
            new Dictionary<string, string> { ["ESTAFETTE_TEST_BIN"] = Published.Bin }, s_patience);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    private static string Checkout()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Estafette.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException("not inside a checkout");
    }
}
