using System.Buffers;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtp;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

/// <summary>What a message needs of a peer, or why this peer cannot have it; <paramref name="OthersMayDo"/> says that another one might.</summary>
internal readonly record struct MessageNeeds(bool EightBit, bool SmtpUtf8, DeliveryOutcome? Refusal = null, bool OthersMayDo = false)
{
    /// <summary>The message rewritten for a peer without 8BITMIME; null when it goes as it is.</summary>
    public SpoolBody? Converted { get; init; }
}

/// <summary>
/// Compares a message with what the peer announced, before a word of it is sent: SIZE (RFC 1870 s6.1), 8BITMIME (E24), SMTPUTF8 (E25). Reads the stored
/// message only where the peer lacks something that the message might need.
/// </summary>
internal static class MessageFit
{
    public static DeliveryOutcome Damaged { get; } =
        DeliveryOutcome.Deferred(new(4, 3, 0), "The stored message cannot be read", OutcomeScope.Message);

    public static async ValueTask<MessageNeeds> CheckAsync(RelaySession session, OutgoingMessage message, SpoolBody body, CancellationToken cancellationToken)
    {
        EhloCapabilities peer = session.Capabilities;
        Envelope envelope = message.Envelope;
        if (peer.MaximumSize > 0 && body.Length + message.Prefix.Length > peer.MaximumSize)
            return Refuse(session, new(5, 3, 4), $"Message of {body.Length} octets is larger than the {peer.MaximumSize} that {session.EndPoint.Label} takes", othersMayDo: false);
        bool utf8 = envelope.SmtpUtf8 || NeedsUtf8Path(message);
        try
        {
            if (utf8 && !peer.Has(EhloKeywords.SmtpUtf8))
            {
                // Only what truly needs it stops here: a flag that a client set to be safe is dropped (RFC 6531 s3.6).
                if (NeedsUtf8Path(message) || await HasRawHeaderAsync(body, cancellationToken))
                    return Refuse(session, new(5, 6, 7), $"SMTPUTF8 is needed, but was not offered by {session.EndPoint.Label}", othersMayDo: true);
                utf8 = false;
            }
            if (peer.Has(EhloKeywords.EightBitMime) || await IsAsciiAsync(body, cancellationToken))
                return new MessageNeeds(envelope.Body != BodyType.SevenBit || utf8, utf8);
            return await ConvertAsync(session, body, utf8, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return new MessageNeeds(false, false, Damaged);
        }
    }

    /// <summary>RFC 6152 s3: convert, or give up; another exchanger may take the message as it is.</summary>
    private static async ValueTask<MessageNeeds> ConvertAsync(RelaySession session, SpoolBody body, bool utf8, CancellationToken cancellationToken)
    {
        DowngradePlan plan = await MimeDowngrade.PlanAsync(body.ReadAsync, cancellationToken);
        if (plan.Verdict == DowngradeVerdict.Impossible)
            return Refuse(session, new(5, 6, 3), $"8BITMIME was not offered by {session.EndPoint.Label}, and the message cannot be converted: {plan.Obstacle}", othersMayDo: true);
        var needs = new MessageNeeds(false, utf8);
        return plan.Verdict == DowngradeVerdict.NotNeeded
            ? needs
            : needs with { Converted = new DowngradedBody(body, plan, await MimeDowngrade.MeasureAsync(body.ReadAsync, plan, cancellationToken)) };
    }

    private static MessageNeeds Refuse(RelaySession session, EnhancedStatus status, string text, bool othersMayDo) =>
        new(false, false, DeliveryOutcome.Failed(status, text, OutcomeScope.Message) with { Peer = session.EndPoint.Label }, othersMayDo);

    private static bool NeedsUtf8Path(OutgoingMessage message) =>
        message.ReversePath.NeedsSmtpUtf8 || message.Pending.Exists(r => !Ascii.IsValid(r.Path));

    private static ValueTask<bool> IsAsciiAsync(SpoolBody body, CancellationToken cancellationToken) => IsAsciiAsync(body, long.MaxValue, headerOnly: false, cancellationToken);

    private static async ValueTask<bool> HasRawHeaderAsync(SpoolBody body, CancellationToken cancellationToken) =>
        !await IsAsciiAsync(body, RelayLimits.HeaderScan, headerOnly: true, cancellationToken);

    private static async ValueTask<bool> IsAsciiAsync(SpoolBody body, long limit, bool headerOnly, CancellationToken cancellationToken)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(RelayLimits.BodyPiece);
        try
        {
            for (long offset = 0; offset < limit;)
            {
                int count = await body.ReadAsync(offset, piece, cancellationToken);
                if (count == 0)
                    return true;
                ReadOnlyMemory<byte> octets = piece.AsMemory(0, count);
                int end = headerOnly ? HeaderEnd(octets.Span) : -1;
                if (end >= 0)
                    octets = octets[..end];
                if (!Ascii.IsValid(octets.Span))
                    return false;
                if (end >= 0)
                    return true;
                // The end of the header may straddle two pieces.
                offset += headerOnly && count > 4 ? count - 3 : count;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static int HeaderEnd(ReadOnlySpan<byte> octets)
    {
        int crlf = octets.IndexOf("\r\n\r\n"u8);
        int lf = octets.IndexOf("\n\n"u8);
        return crlf < 0 ? lf : lf < 0 ? crlf : Math.Min(crlf, lf);
    }
}
