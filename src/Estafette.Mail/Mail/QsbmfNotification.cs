using System.Buffers;
using System.Collections.Immutable;
using System.Text;

namespace Estafette.Mail;

/// <summary>A recipient that a QSBMF notification gives up, with the reason as one paragraph.</summary>
public readonly record struct QsbmfRecipient(MailAddress Address, string Reason);

/// <summary>What a QSBMF notification is made of, but the original's octets.</summary>
public sealed record QsbmfRequest
{
    /// <summary>The name of this server, as the first line tells it.</summary>
    public required string Host { get; init; }

    /// <summary>Who it is from: <c>bouncefrom@bouncehost</c>.</summary>
    public required MailAddress From { get; init; }
    public required MailAddress To { get; init; }
    public required ImmutableArray<QsbmfRecipient> Recipients { get; init; }

    /// <summary>The original's reverse-path.</summary>
    public required MailAddress ReversePath { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>The original was a notification itself: the postmaster is told (a double bounce).</summary>
    public bool IsDouble { get; init; }
}

/// <summary>
/// Writes a notification in qmail-send's own form (D. J. Bernstein's QSBMF), for readers that know no other: a text that begins with <c>Hi. This is the</c>, a paragraph a recipient, a line that begins with
/// <c>---</c>, and the original. It streams like <see cref="StatusNotification"/>.
/// </summary>
public static class QsbmfNotification
{
    private const int ChunkSize = 16 * 1024;

    /// <summary>Octets of one reason.</summary>
    private const int MaximumReason = 4096;

    public static async ValueTask WriteAsync(QsbmfRequest request, OctetReader original, OctetWriter output, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        text.Append($"Date: {HeaderDate.Format(request.Now)}\r\nFrom: {Safe(request.From.ToString())}\r\nTo: {Safe(request.To.ToString())}\r\nSubject: failure notice\r\n\r\n");
        text.Append($"Hi. This is the qmail-send program at {Safe(request.Host)}.\r\n");
        text.Append(request.IsDouble
            ? "I tried to deliver a bounce message to this address, but the bounce bounced!\r\n\r\n"
            : "I'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n");
        foreach (QsbmfRecipient recipient in request.Recipients)
        {
            text.Append($"<{Safe(recipient.Address.ToString())}>:\r\n{Paragraph(recipient.Reason)}\r\n\r\n");
            await output(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
            text.Clear();
        }
        text.Append(request.IsDouble ? "--- Below this line is the original bounce.\r\n\r\n" : "--- Below this line is a copy of the message.\r\n\r\n");
        text.Append($"Return-Path: <{Safe(request.ReversePath.ToString())}>\r\n");
        await output(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long offset = 0;
            int read;
            while ((read = await original(offset, chunk, cancellationToken)) > 0)
            {
                await output(chunk.AsMemory(0, read), cancellationToken);
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Nothing that an address or a host says may begin a line of ours.</summary>
    private static string Safe(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '_' : c));

    /// <summary>No empty line may stand in a reason: it would end the paragraph, and what follows would read as our words.</summary>
    private static string Paragraph(string reason)
    {
        string cut = reason.Length > MaximumReason ? reason[..MaximumReason] : reason;
        IEnumerable<string> lines = cut.Split('\n').Select(line => Safe(line.TrimEnd())).Where(line => line.Length > 0);
        string text = string.Join("\r\n", lines.Select(line => line.StartsWith('-') ? " " + line : line));
        return text.Length > 0 ? text : "(no reason was given)";
    }
}
