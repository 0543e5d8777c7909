using System.Net.Sockets;

namespace Estafette.Events;

/// <summary>
/// The log by syslog(3), one datagram a line, its level from the word that the Postfix style begins a text with. While nobody listens lines are lost; each further line tries
/// again.
/// </summary>
public sealed class SyslogOutput(int facility, string path = SyslogSocket.Path) : ILogOutput
{
    private SyslogSocket? _socket;

    public void Write(ReadOnlySpan<byte> lines)
    {
        while (!lines.IsEmpty)
        {
            int end = lines.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? lines : lines[..end];
            lines = end < 0 ? default : lines[(end + 1)..];
            Send(line);
        }
    }

    public string? Reopen() => null;

    public void Dispose() => _socket?.Dispose();

    private void Send(ReadOnlySpan<byte> line)
    {
        try
        {
            (_socket ??= new SyslogSocket(facility, path)).Send(LevelOf(line), line);
        }
        catch (SocketException)
        {
            // syslogd was restarted, or is not there.
            _socket?.Dispose();
            _socket = null;
        }
    }

    private static int LevelOf(ReadOnlySpan<byte> line)
    {
        int text = line.IndexOf("]: "u8);
        ReadOnlySpan<byte> words = text < 0 ? line : line[(text + 3)..];
        return words.StartsWith("warning: "u8) ? 4 : words.StartsWith("error: "u8) ? 3 : words.StartsWith("fatal: "u8) || words.StartsWith("panic: "u8) ? 2 : 6;
    }
}
