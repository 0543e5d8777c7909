using System.Text.RegularExpressions;

namespace Estafette.Tests.Architecture;

/// <summary>The pages that explain the code name files that are there.</summary>
public sealed partial class DocumentTests
{
    [GeneratedRegex("`((?:src|tests|docs|bench|packaging)/[^` ]+)`")]
    private static partial Regex Named();

    [Theory]
    [InlineData("docs/flow.md", 40)]
    [InlineData("docs/rooms.md", 6)]
    [InlineData("docs/states.md", 1)]
    public void Every_file_that_a_page_names_exists(string page, int atLeast)
    {
        string root = Root();
        string[] named = [.. Named().Matches(File.ReadAllText(Path.Combine(root, page))).Select(m => m.Groups[1].Value).Distinct()];
        Assert.DoesNotContain(named, path => !Path.Exists(Path.Combine(root, path)));
        Assert.True(named.Length >= atLeast, $"{page} names only {named.Length} files");
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Estafette.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("not in a checkout");
    }
}
