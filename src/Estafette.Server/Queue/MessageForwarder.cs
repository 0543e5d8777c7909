using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing.Maps;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>
/// Sends a message on as a new one, where an alias or forward file leads away (local(8)): a Received field and the agent's own on top, the same content, the envelope rewritten like that of any new message, but
/// without copies. When it gives an id the new message is durable. A crash before the old one is recorded sends it on once more, never less than once.
/// </summary>
internal sealed class MessageForwarder(ISpool spool, Func<MapRouter?> maps, EventSink events, INewMail newMail)
{
    private const int ChunkSize = 64 * 1024;

    /// <summary>Null: not now.</summary>
    public async ValueTask<MessageId?> ForwardAsync(Envelope original, Forwarding forwarding, CancellationToken cancellationToken)
    {
        if (maps() is not { } router)
            return null;
        EnvelopeRewriting rewriting = await router.RewriteAsync(DraftOf(router, forwarding), cancellationToken);
        if (rewriting is EnvelopeRewriting.Refused refused)
        {
            events.Publish(new OperatorWarning("cleanup", original.Id + " cannot be forwarded now: " + refused.Detail) { At = events.Now });
            return null;
        }
        var rewritten = (EnvelopeRewriting.Rewritten)rewriting;
        using SpoolBody? body = await spool.OpenBodyAsync(original.Id, cancellationToken);
        if (body is null)
            return null;
        await using ISpoolWriter writer = spool.Begin();
        Envelope envelope = original with
        {
            Id = writer.Id,
            Received = events.Now,
            ReversePath = rewritten.ReversePath,
            Recipients = rewritten.Recipients,
            DsnEnvelopeId = forwarding.On is null ? null : original.DsnEnvelopeId,
            Return = forwarding.On is null ? DsnReturn.Unspecified : original.Return,
            Hold = false,
        };
        if (await CopyAsync(writer, body, Top(envelope, router.Config, forwarding), cancellationToken) is not { } headerId)
            return null;
        bool lease = newMail.HasRoom;
        envelope = envelope with { Size = writer.Length };
        if (await writer.CommitAsync(envelope, lease, null, cancellationToken) is not SpoolStatus.Ok)
            return null;
        events.Publish(new MessageForwarded(original.Id, envelope, headerId) { At = events.Now });
        newMail.Committed(envelope, lease);
        return envelope.Id;
    }

    /// <summary>What the sender wished for the recipient goes along, but for the news of success: that is told here (RFC 3461 s5.2.7.3).</summary>
    private static EnvelopeDraft DraftOf(MapRouter router, Forwarding forwarding)
    {
        Recipient? on = forwarding.On;
        DsnNotify notify = on is null ? DsnNotify.Unspecified : on.Notify == DsnNotify.Success ? DsnNotify.Never : on.Notify & ~DsnNotify.Success;
        ImmutableArray<DraftRecipient> recipients =
            [.. forwarding.Recipients.Select(to => new DraftRecipient(router.Rewriter.Read(to, RewriteContext.Local), notify, on?.DsnOriginalRecipient, on?.Original))];
        return new EnvelopeDraft { ReversePath = forwarding.ReversePath, Recipients = recipients, IsCopied = false };
    }

    private static ReadOnlyMemory<byte> Top(Envelope envelope, MailConfig config, Forwarding forwarding)
    {
        var top = new ArrayBufferWriter<byte>(256 + forwarding.Prefix.Length);
        TraceFields.WriteReceived(top, TraceStyle.Postfix, new ReceivedTrace
        {
            Client = new ClientInfo { SessionId = envelope.Client.SessionId },
            ByHost = config.HostName,
            Id = envelope.Id,
            Time = envelope.Received.ToLocalTime(),
        });
        top.Write(forwarding.Prefix.Span);
        return top.WrittenMemory;
    }

    /// <summary>The message's Message-ID, empty without one; null where it could not be copied whole.</summary>
    private static async ValueTask<string?> CopyAsync(ISpoolWriter writer, SpoolBody body, ReadOnlyMemory<byte> top, CancellationToken cancellationToken)
    {
        string headerId = "";
        var scanner = new HeaderScanner(new HeaderLimits(int.MaxValue, int.MaxValue), (_, value) => headerId = headerId.Length > 0 ? headerId : Encoding.UTF8.GetString(value).Trim(), KnownField.MessageId);
        if (await writer.WriteAsync(top, cancellationToken) is not SpoolStatus.Ok)
            return null;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long offset = 0;
            while (await body.ReadAsync(offset, buffer, cancellationToken) is > 0 and int read)
            {
                scanner.Push(buffer.AsSpan(0, read));
                if (await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken) is not SpoolStatus.Ok)
                    return null;
                offset += read;
            }
            return offset == body.Length ? headerId : null;
        }
        catch (InvalidDataException)
        {
            // Damaged: what waits stays where it is, and an operator sees it.
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
