using System.Text;
using Estafette.Config;
using Estafette.Program.Compile;
using Estafette.Program.Daemon;

namespace Estafette.Tests.Program;

/// <summary>What root hands to the daemon: whole or not at all, and only what nobody else could have put in its place.</summary>
public sealed class HandoverTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>A user that owns nothing here.</summary>
    private static readonly DaemonUser s_daemon = new("daemon", 54321, 54321, [54322]);

    private readonly string _folder = Directory.CreateDirectory($"/var/tmp/estafette-handover-{Guid.NewGuid():N}").FullName;

    public HandoverTests() => File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text, UnixFileMode mode)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    private static (IReadOnlyList<HandedFile> Files, IReadOnlyList<string> Warnings) Collect(params string[] paths)
    {
        var warnings = new List<string>();
        var collection = new FileCollection(s_daemon, warnings);
        collection.AddRange(paths);
        return (collection.Files, warnings);
    }

    private static Handover Sample() => new(new HandedFiles(
    [
        new HandedFile("/etc/key", new FileStamp(1, 2, 3, TimeSpan.FromTicks(4), TimeSpan.FromTicks(5), 0x8180) { User = 6, Group = 7 }, Encoding.UTF8.GetBytes("a secret")),
        new HandedFile("/etc/empty", default, ReadOnlyMemory<byte>.Empty),
    ]))
    { Warnings = ["one", "two"] };

    [Fact]
    public void A_handover_survives_the_way_and_is_never_printed()
    {
        Handover read = HandoverCodec.Decode(new MemoryStream(HandoverCodec.Encode(Sample())));
        HandedFile key = read.Files.Find("/etc/key")!;
        Assert.Equal("a secret", Encoding.UTF8.GetString(key.Content.Span));
        Assert.Equal(Sample().Files.Find("/etc/key")!.Stamp, key.Stamp);
        Assert.Equal(["one", "two"], read.Warnings.AsEnumerable());
        Assert.Equal(2, read.Files.All.Count);
        Assert.DoesNotContain("secret", read + key.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_cut_off_anywhere_is_none()
    {
        using var whole = new MemoryStream();
        await HandoverCodec.WriteAsync(whole, Sample(), CancellationToken.None);
        byte[] octets = whole.ToArray();
        Assert.StartsWith(HandoverCodec.Mark + "\n", Encoding.ASCII.GetString(octets), StringComparison.Ordinal);
        for (int length = HandoverCodec.Mark.Length + 1; length < octets.Length; length++)
            await Assert.ThrowsAnyAsync<IOException>(() => HandoverCodec.ReadAsync(new MemoryStream(octets[(HandoverCodec.Mark.Length + 1)..length]), CancellationToken.None));
        byte[] body = HandoverCodec.Encode(Sample());
        for (int length = 0; length < body.Length; length++)
            Assert.Throws<InvalidDataException>(() => HandoverCodec.Decode(new MemoryStream(body[..length])));
        await Assert.ThrowsAsync<InvalidDataException>(() => HandoverCodec.ReadAsync(new MemoryStream([255, 255, 255, 127]), CancellationToken.None));
    }

    [Fact]
    public void The_daemons_user_survives_the_command_line()
    {
        DaemonUser read = DaemonUser.TryParse(s_daemon.ToText())!;
        Assert.Equal((s_daemon.Name, s_daemon.User, s_daemon.Group), (read.Name, read.User, read.Group));
        Assert.Equal(s_daemon.MoreGroups, read.MoreGroups);
        Assert.Null(DaemonUser.TryParse("root"));
        Assert.Null(DaemonUser.TryParse("x:-1:0:"));
    }

    [Fact]
    public void Only_what_the_daemon_cannot_read_is_handed_over()
    {
        string open = Write("open", "all", (UnixFileMode)0b110_100_100), mine = Write("mine", "root", Private);
        Assert.True(PathWalk.Of(open).MayRead(s_daemon));
        Assert.False(PathWalk.Of(mine).MayRead(s_daemon));
        if (!Environment.IsPrivilegedProcess)
            return;
        Assert.Equal(mine, Assert.Single(Collect(open, mine, Path.Combine(_folder, "missing")).Files).Path);
        // The folder decides too.
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_000);
        Assert.Equal(2, Collect(open, mine).Files.Count);
    }

    [Fact]
    public void Links_are_followed_and_known_by_the_name_that_the_configuration_says()
    {
        string mine = Write("mine", "root", Private), link = Path.Combine(_folder, "link"), loop = Path.Combine(_folder, "loop");
        File.CreateSymbolicLink(link, "../" + Path.GetFileName(_folder) + "/./mine");
        File.CreateSymbolicLink(loop, "loop");
        Assert.Equal(PathWalk.Of(mine).End, PathWalk.Of(link).End);
        Assert.NotNull(PathWalk.Of(loop).Failure);
        if (!Environment.IsPrivilegedProcess)
            return;
        HandedFile handed = Assert.Single(Collect(link, loop).Files);
        Assert.Equal((link, "root"), (handed.Path, Encoding.UTF8.GetString(handed.Content.Span)));
    }

    [Theory]
    [InlineData("owner of the folder")]
    [InlineData("owner of the link")]
    [InlineData("owner of the file")]
    [InlineData("folder open to all")]
    [InlineData("no file")]
    public void What_somebody_else_could_have_put_there_is_not_handed_over(string how)
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        string mine = Write("mine", "root", Private), folder = Directory.CreateDirectory(Path.Combine(_folder, "sub")).FullName, path = Path.Combine(folder, "named");
        File.CreateSymbolicLink(path, mine);
        Assert.Single(Collect(path).Files);
        switch (how)
        {
            case "owner of the folder": Assert.Equal(0, Native.ChangeOwner(folder, 54399, 0)); break;
            case "owner of the link": Assert.Equal(0, Native.ChangeOwner(path, 54399, 0)); break;
            case "owner of the file": Assert.Equal(0, Native.ChangeOwner(mine, 54399, 0)); break;
            case "folder open to all": File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111); break;
            default:
                File.Delete(mine);
                File.SetUnixFileMode(Directory.CreateDirectory(mine).FullName, (UnixFileMode)0b111_000_000);
                break;
        }
        (IReadOnlyList<HandedFile> files, IReadOnlyList<string> warnings) = Collect(path);
        Assert.Empty(files);
        Assert.Contains("root does not read it instead", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.DoesNotContain("root\n", warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_daemon_can_change_what_is_its_own_its_groups_or_everybodys()
    {
        string path = Write("conf", "", (UnixFileMode)0b110_100_100);
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Null(PathWalk.Of(path).OpenTo(s_daemon));
            Assert.Null(PathWalk.Of(path).Stranger());
            Native.ChangeOwner(path, 0, 54322);
            File.SetUnixFileMode(path, (UnixFileMode)0b110_110_100);
            Assert.Equal(path, PathWalk.Of(path).OpenTo(s_daemon));
            Native.ChangeOwner(path, 54321, 0);
            File.SetUnixFileMode(path, Private);
            Assert.Equal(path, PathWalk.Of(path).OpenTo(s_daemon));
        }
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        Assert.Equal(path, PathWalk.Of(path).OpenTo(s_daemon));
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_111_111);
        Assert.Equal(_folder, PathWalk.Of(path).OpenTo(s_daemon));
    }
}
