using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Estafette.Differ.Sandbox;

/// <summary>The server under observation: the machine's Postfix, or Estafette in its place. Both are asked by the same commands.</summary>
internal sealed class Target(bool estafette)
{
    private static readonly string s_work = Environment.GetEnvironmentVariable("SANDBOX_WORK") ?? "/mnt";
    private readonly string _log = Path.Combine(s_work, "target.log");
    private readonly StringBuilder _syslog = new();
    private Process? _process;

    public string Log
    {
        get
        {
            lock (_syslog)
                return _syslog + (File.Exists(_log) ? File.ReadAllText(_log) : "");
        }
    }

    /// <summary>Takes what programs write to syslog.</summary>
    public void ListenToSyslog()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint("/dev/log"));
        File.SetUnixFileMode("/dev/log", (UnixFileMode)0b110_110_110);
        new Thread(() =>
        {
            byte[] block = new byte[65536];
            while (true)
            {
                int length = socket.Receive(block);
                string line = Encoding.UTF8.GetString(block, 0, length);
                lock (_syslog)
                    _syslog.AppendLine(line[(line.IndexOf('>', StringComparison.Ordinal) + 1)..].TrimEnd('\0', '\n'));
            }
        })
        { IsBackground = true }.Start();
    }

    /// <summary>Null when it serves; otherwise what it said.</summary>
    public string? Start(IReadOnlyList<string> listen)
    {
        if (estafette)
        {
            (int exit, string output) = Shell.Run("estafette check --config /etc/postfix");
            if (exit != 0)
                return "check:\n" + output;
            File.WriteAllText(_log, output);
            _process = Process.Start("/bin/sh", ["-c", $"exec estafette run --config /etc/postfix --state /var/lib/estafette >> {_log} 2>&1 < /dev/null"]);
        }
        else
        {
            // What Debian does before each start, for services in a chroot.
            if (File.ReadLines("/etc/postfix/master.cf").Any(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [_, _, _, _, "y", ..]))
                Shell.Run("mkdir -p /var/spool/postfix/etc && /usr/lib/postfix/configure-instance.sh -");
            (int exit, string output) = Shell.Run("postfix start");
            if (exit != 0)
                return output + Log;
        }
        return Await(listen);
    }

    /// <summary>Null when all these answer.</summary>
    public string? Await(IReadOnlyList<string> listen)
    {
        var clock = Stopwatch.StartNew();
        foreach (string address in listen)
        {
            while (!Accepts(address))
            {
                if (clock.Elapsed > TimeSpan.FromSeconds(60) || _process?.HasExited == true)
                    return address + " does not answer\n" + Log;
                Thread.Sleep(50);
            }
        }
        return null;
    }

    public void Reload()
    {
        if (estafette)
            Shell.Run(_process is null ? "postfix reload" : $"kill -HUP {_process.Id}");
        else
            Shell.Run("postfix reload");
    }

    /// <summary>Whether mail is under way. Asked only when nothing has moved for a while, for it costs a process.</summary>
    public bool IsBusy() => estafette
        ? Queue().Any(e => e.Name is "active" or "incoming")
        : ((string[])["maildrop", "incoming", "active"]).Any(q => Directory.Exists("/var/spool/postfix/" + q) && Directory.EnumerateFiles("/var/spool/postfix/" + q, "*", SearchOption.AllDirectories).Any());

    public static IReadOnlyList<(string Name, string Sender, string Recipient, string Reason)> Queue()
    {
        var entries = new List<(string, string, string, string)>();
        foreach (string line in Shell.Run("postqueue -j").Output.Split('\n'))
        {
            try
            {
                JsonElement entry = line.StartsWith('{') ? JsonDocument.Parse(line).RootElement : default;
                if (entry.ValueKind == JsonValueKind.Object)
                {
                    foreach (JsonElement recipient in entry.GetProperty("recipients").EnumerateArray())
                    {
                        entries.Add((entry.GetProperty("queue_name").GetString()!, entry.GetProperty("sender").GetString()!, recipient.GetProperty("address").GetString()!,
                            recipient.TryGetProperty("delay_reason", out JsonElement reason) ? reason.GetString()! : ""));
                    }
                }
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException)
            {
                entries.Add(("not readable", line, "", ""));
            }
        }
        return entries;
    }

    private static bool Accepts(string address)
    {
        try
        {
            System.Net.IPEndPoint at = System.Net.IPEndPoint.Parse(address);
            using var client = new TcpClient(at.AddressFamily);
            client.Connect(at);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
