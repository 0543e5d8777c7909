using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Estafette.Events;

/// <summary>
/// syslog(3) without libc: a datagram to <c>/dev/log</c> for each line, <c>&lt;PRI&gt;time tag: text</c> (RFC 3164 s4.1, local form). It never waits: where the daemon of the log does
/// not keep up, the line is lost. Throws <see cref="SocketException"/> where there is no log.
/// </summary>
public sealed class SyslogSocket : IDisposable
{
    /// <summary>The facility of mail systems (postconf(5) syslog_facility).</summary>
    public const int Mail = 2;

    public const string Path = "/dev/log";

    /// <summary>Octets of one datagram.</summary>
    private const int MaximumLine = 8 << 10;

    private static readonly string[] s_facilities =
        ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly int _facility;
    private readonly byte[] _datagram = new byte[MaximumLine];

    public SyslogSocket(int facility, string path = Path)
    {
        _facility = facility;
        _socket.Connect(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>The number of a facility's name; null for none.</summary>
    public static int? FacilityOf(string name) => name.Length > 0 && Array.IndexOf(s_facilities, name) is int known and >= 0 ? known : null;

    /// <summary>The level of Postfix's severities: info, warning, error, fatal, panic.</summary>
    public static int LevelOf(string severity) => severity switch { "fatal" or "panic" => 2, "error" => 3, "warning" => 4, _ => 6 };

    public void Send(int level, string tag, string text, DateTimeOffset at)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"{at:MMM} {at.Day,2} {at:HH:mm:ss} {Line(tag)}: ");
        Send(level, Encoding.UTF8.GetBytes(head + Line(text)));
    }

    /// <summary>A line that begins with its time.</summary>
    public void Send(int level, ReadOnlySpan<byte> line)
    {
        (_facility * 8 + level).TryFormat(_datagram.AsSpan(1), out int digits, default, CultureInfo.InvariantCulture);
        _datagram[0] = (byte)'<';
        _datagram[digits + 1] = (byte)'>';
        line = line[..Math.Min(line.Length, MaximumLine - digits - 2)];
        line.CopyTo(_datagram.AsSpan(digits + 2));
        try
        {
            _socket.Send(_datagram.AsSpan(0, digits + 2 + line.Length));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable or SocketError.MessageSize)
        {
            // The log is full or slow: mail goes on.
        }
    }

    private static string Line(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 ? text : string.Concat(text.Select(c => c < ' ' ? '?' : c));

    public void Dispose() => _socket.Dispose();
}
