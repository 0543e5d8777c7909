using System.Globalization;
using System.Text;

namespace Estafette.Program.Submission;

/// <summary>
/// The client's side of one SMTP session with the own daemon, a command and its reply at a time; <paramref name="transcript"/> gets both, as
/// <c>sendmail -v</c> shows them. Throws <see cref="IOException"/> where the other side speaks no SMTP or goes away, and cancels after five silent minutes.
/// </summary>
internal sealed class SmtpDialogue(Stream stream, TextWriter? transcript)
{
    private static readonly TimeSpan s_replyTimeout = TimeSpan.FromMinutes(5);
    private const int MaximumReplyLines = 100;
    private readonly LineReader _replies = new(stream);

    public async Task<(int Code, string Text)> AskAsync(string command, CancellationToken cancellationToken)
    {
        transcript?.WriteLine(">>> " + command);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancellationToken);
        return await ReplyAsync(cancellationToken);
    }

    public async Task<(int Code, string Text)> ReplyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_replyTimeout);
        var text = new StringBuilder();
        for (int lines = 0; lines < MaximumReplyLines; lines++)
        {
            ReadOnlyMemory<byte> octets = await _replies.NextAsync(limit.Token);
            string line = Encoding.UTF8.GetString(octets.Span.TrimEnd("\r\n"u8));
            if (octets.IsEmpty || line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int code))
                throw new IOException(octets.IsEmpty ? "the daemon closed the connection" : "the daemon answered no SMTP");
            transcript?.WriteLine("<<< " + line);
            text.Append(text.Length > 0 ? "\n" : "").Append(line);
            if (line.Length == 3 || line[3] == ' ')
                return (code, text.ToString());
        }
        throw new IOException("the daemon's answer does not end");
    }
}
