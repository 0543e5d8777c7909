using Estafette.Program.Commands;

namespace Estafette.Tests.Program;

/// <summary>A configuration file is changed whole, or not at all.</summary>
public sealed class EditedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edited").FullName;

    private string Main => Path.Combine(_folder, "main.cf");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void P14_the_new_text_has_the_old_mode_and_every_octet()
    {
        File.WriteAllBytes(Main, [.. "# caf"u8, 0xe9, (byte)'\n']);
        File.SetUnixFileMode(Main, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        using (EditedFile file = EditedFile.Open(Main))
            file.Replace(file.Text + "a = b\n");
        Assert.Equal([.. "# caf"u8, 0xe9, (byte)'\n', .. "a = b\n"u8], File.ReadAllBytes(Main));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(Main));
        Assert.Equal([Main], Directory.GetFiles(_folder));
    }

    [Fact]
    public void P14_a_link_stays_one_and_what_was_given_up_leaves_nothing_behind()
    {
        string target = Path.Combine(_folder, "kept.cf");
        File.WriteAllText(target, "a = 1\n");
        File.CreateSymbolicLink(Main, target);
        using (EditedFile.Open(Main))
        {
        }
        Assert.Equal("a = 1\n", File.ReadAllText(target));
        using (EditedFile file = EditedFile.Open(Main))
            file.Replace("a = 2\n");
        Assert.Equal("a = 2\n", File.ReadAllText(target));
        Assert.Equal(target, File.ResolveLinkTarget(Main, returnFinalTarget: true)!.FullName);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public async Task P14_of_two_that_edit_at_once_both_are_in_the_end()
    {
        File.WriteAllText(Main, "");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            using EditedFile file = EditedFile.Open(Main);
            file.Replace(file.Text + $"a{i} = 1\n");
        })));
        Assert.Equal(8, File.ReadAllLines(Main).Length);
    }

    [Fact]
    public void A_file_that_is_not_there_leaves_no_draft()
    {
        Assert.Throws<FileNotFoundException>(() => EditedFile.Open(Main));
        Assert.Empty(Directory.GetFiles(_folder));
    }
}
