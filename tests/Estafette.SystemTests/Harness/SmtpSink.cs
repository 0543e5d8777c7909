using System.Globalization;

namespace Estafette.SystemTests.Harness;

/// <summary>Postfix's smtp-sink: a real SMTP server that takes everything and writes each message into a file of its own below a folder.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private readonly Background _process;

    public SmtpSink(string folder, params string[] options)
    {
        Folder = Directory.CreateDirectory(folder, (UnixFileMode)0b111_111_111).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        Port = Ports.Free();
        string[] identity = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];
        _process = new Background("/usr/sbin/smtp-sink",
            [.. identity, .. options, "-d", Path.Combine(folder, "m."), string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}"), "200"]);
    }

    public int Port { get; }
    public string Folder { get; }

    public IReadOnlyList<string> Messages => [.. Directory.EnumerateFiles(Folder).Select(File.ReadAllText)];

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Written.ByRun.Keep(Folder, "sink");
    }
}
