using System.Diagnostics;
using global::Estafette.Config;
using global::Estafette.Config.Model;
using global::Estafette.Routing;
using global::Estafette.Tables;

namespace Estafette.Tests.Tables;

/// <summary>E13: where a file is expected there may be a pipe, a device or a folder; nobody waits for it, and memory is not filled with it.</summary>
public sealed class OddFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pipe")]
    [InlineData("link to /dev/zero")]
    [InlineData("folder")]
    public async Task Table_map_certificate_and_include_that_are_no_files_are_told_and_not_waited_for(string kind)
    {
        string path = Path.Combine(_folder.Path, "odd");
        if (kind == "pipe")
        {
            using Process mkfifo = Process.Start("mkfifo", [path]);
            await mkfifo.WaitForExitAsync();
        }
        else if (kind == "folder")
            Directory.CreateDirectory(path);
        else
            File.CreateSymbolicLink(path, "/dev/zero");
        var files = new FileView();
        Task<string>[] readers =
        [
            Task.Run(() => FailureOf(() => files.ReadText(path))),
            Task.Run(() => new TableSource(files, TimeProvider.System).Load(Table(TableKind.File, path)).Failure ?? ""),
            Task.Run(() => new TableSource(files, TimeProvider.System).Load(Table(TableKind.Db, path)).Failure ?? ""),
            Task.Run(() => AliasReader.Include(path).Error ?? ""),
        ];
        string[] told = await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.All(told, t => Assert.Contains(kind == "folder" ? "is a folder" : "is no regular file", t, StringComparison.Ordinal));
    }

    private static TableConfig Table(TableKind kind, string path) => new() { Name = "odd", Kind = kind, At = SourceSpan.None, Path = path };

    private static string FailureOf(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
