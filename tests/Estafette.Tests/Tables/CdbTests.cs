using System.Diagnostics;
using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables;

public sealed class CdbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Every_row_written_is_found_and_nothing_else() =>
        Prop.ForAll(Gen.Choose(0, 700).ToArbitrary(), count =>
        {
            string path = _folder.File($"map{count}.db");
            MapCompiler.Write(path, Rows(count), null);
            Assert.True(CdbFile.TryOpen(path, out CdbFile? file, out string failure), failure);
            foreach ((string key, string value) in Rows(count))
                Assert.Equal(value, file.Get(key));
            Assert.Null(file.Get("no such key"));
            Assert.Null(file.Get(""));
            Assert.Equal(Rows(count), file.All());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void P8_cdb_reads_what_makemap_writes()
    {
        string path = _folder.File("map.db");
        MapCompiler.Write(path, Rows(500), null);
        Assert.Equal("value 123", Cdb("-q", path, "key123").TrimEnd());
        Assert.Equal(500, Cdb("-d", "-m", path).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void What_cdb_writes_is_read()
    {
        string source = _folder.Write("rows", string.Concat(Rows(500).Select(r => $"{r.Key} {r.Value}\n")));
        string path = _folder.File("theirs.db");
        Cdb("-c", "-m", path, source);
        Assert.True(CdbFile.TryOpen(path, out CdbFile? file, out string failure), failure);
        foreach ((string key, string value) in Rows(500))
            Assert.Equal(value, file.Get(key));
        Assert.Equal(Rows(500), file.All());
    }

    [Fact]
    public void A_damaged_file_is_refused_or_an_error_and_never_a_wrong_answer()
    {
        string path = _folder.File("good.db");
        MapCompiler.Write(path, Rows(50), null);
        byte[] good = File.ReadAllBytes(path);
        Prop.ForAll(Gen.Choose(0, good.Length - 1).ToArbitrary(), Gen.Choose(0, 255).ToArbitrary(), (at, value) =>
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] = (byte)value;
            Read(bad);
            Read(good[..at]);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_berkeley_database_is_told_by_its_name()
    {
        byte[] header = new byte[4096];
        header[0] = 0x61;
        header[1] = 0x15;
        header[2] = 0x06;
        File.WriteAllBytes(_folder.File("old.db"), header);
        Assert.False(CdbFile.TryOpen(_folder.File("old.db"), out _, out string failure));
        Assert.Contains("Berkeley", failure, StringComparison.Ordinal);
    }

    private void Read(byte[] bytes)
    {
        string path = _folder.File("bad.db");
        File.WriteAllBytes(path, bytes);
        if (!CdbFile.TryOpen(path, out CdbFile? file, out _))
            return;
        try
        {
            foreach ((string key, _) in Rows(50))
                file.Get(key);
            Assert.True(file.All().Take(100_000).Count() < 100_000);
        }
        catch (IOException)
        {
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Rows(int count) =>
        Enumerable.Range(0, count).Select(i => KeyValuePair.Create($"key{i}", $"value {i}"));

    private static string Cdb(params string[] args)
    {
        using Process process = Process.Start(new ProcessStartInfo("cdb", args) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    public void Dispose() => _folder.Dispose();
}
