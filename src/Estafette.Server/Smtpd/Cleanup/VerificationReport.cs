using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing.Maps;
using Estafette.Smtp;
using Estafette.Spool;

namespace Estafette.Smtpd.Cleanup;

/// <summary>
/// <c>sendmail -bv</c>: nothing is delivered; the sender gets a report of where mail for these recipients would go and whether they exist, as far as this server knows. No other server is asked.
/// </summary>
internal static class VerificationReport
{
    /// <param name="session">The local program's.</param>
    /// <param name="asked">The envelope as it would go into the queue.</param>
    public static async ValueTask<Reply> SendAsync(SmtpSession session, Envelope asked, CancellationToken cancellationToken)
    {
        MapRouter maps = session.Services.Maps!;
        if (asked.ReversePath.IsNull)
            return session.Replies.Accepted(asked.Id);
        var draft = new EnvelopeDraft { ReversePath = MailAddress.Null, Recipients = [new DraftRecipient(asked.ReversePath)], IsCopied = false };
        if (await maps.RewriteAsync(draft, cancellationToken) is not EnvelopeRewriting.Rewritten rewritten)
            return CleanupEnd.Unavailable;
        var recipients = ImmutableArray.CreateBuilder<NotifiedRecipient>();
        foreach (Recipient recipient in asked.Recipients)
        {
            AddressStanding standing = await maps.StandingAsync(recipient.Address, asked.ReversePath, AddressRole.Recipient, cancellationToken);
            if (standing.Existence == AddressExistence.Unavailable)
                return CleanupEnd.Unavailable;
            recipients.Add(Judged(recipient, standing));
        }
        await using IntakeMessage report = session.Parts.Intake.Begin();
        var request = new StatusNotificationRequest
        {
            Style = NotificationStyle.Postfix,
            ReportingHost = session.Services.Config.HostName,
            Original = asked with { Return = DsnReturn.Headers },
            To = asked.ReversePath,
            Recipients = recipients.ToImmutable(),
            Now = session.Parts.Clock.GetLocalNow(),
            Random = new UInt128(Random(), Random()),
        };
        SpoolStatus status = await WriteAsync(report, request, cancellationToken);
        if (status == SpoolStatus.Ok)
        {
            status = await report.CommitAsync(new Envelope
            {
                Id = report.Id,
                Received = session.Parts.Clock.GetUtcNow(),
                ReversePath = MailAddress.Null,
                Recipients = rewritten.Recipients,
                Client = session.ClientInfo(),
                IsNotification = true,
            }, cancellationToken);
        }
        if (status != SpoolStatus.Ok)
            return status == SpoolStatus.Full ? session.Replies.SpoolFull : session.Replies.SpoolUnhealthy;
        session.Parts.Events.Publish(new NotificationQueued(asked.Id, report.Id, "success", asked.ReversePath) { At = session.Parts.Events.Now });
        return session.Replies.Accepted(asked.Id);
    }

    private static NotifiedRecipient Judged(Recipient recipient, AddressStanding standing)
    {
        bool exists = standing.Existence == AddressExistence.Known && !standing.IsMalformed;
        string where = standing.NextHop.Length > 0 ? $"{standing.Transport}:{standing.NextHop}" : standing.Transport;
        return new NotifiedRecipient
        {
            Recipient = recipient,
            Action = exists ? NotificationAction.Deliverable : NotificationAction.Undeliverable,
            Outcome = exists
                ? DeliveryOutcome.Delivered(standing.Class == AddressClass.Default ? $"delivery via {where}: that server was not asked" : $"delivery via {where}: delivers to mailbox")
                : DeliveryOutcome.Failed(standing.Status.IsNone ? new EnhancedStatus(5, 1, 1) : standing.Status, standing.Reason.Length > 0 ? standing.Reason : "bad address syntax"),
        };
    }

    private static async ValueTask<SpoolStatus> WriteAsync(IntakeMessage report, StatusNotificationRequest request, CancellationToken cancellationToken)
    {
        byte[] probe = Encoding.UTF8.GetBytes($"From: {FieldText.Sanitize(request.To.ToString())}\r\nSubject: probe\r\n");
        SpoolStatus status = SpoolStatus.Ok;
        await StatusNotification.WriteAsync(request, ReadProbe, Write, cancellationToken);
        return status;

        ValueTask<int> ReadProbe(long offset, Memory<byte> buffer, CancellationToken cancellation)
        {
            int length = (int)Math.Clamp(probe.Length - offset, 0, buffer.Length);
            probe.AsMemory((int)Math.Min(offset, probe.Length), length).CopyTo(buffer);
            return ValueTask.FromResult(length);
        }

        async ValueTask Write(ReadOnlyMemory<byte> octets, CancellationToken cancellation)
        {
            if (status == SpoolStatus.Ok)
                status = await report.WriteAsync(octets, cancellation);
        }
    }

    private static ulong Random() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
}
