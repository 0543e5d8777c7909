using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Spool;

namespace Estafette.Queue;

/// <summary>Asks routing who gets mail for an address; the router of the configuration in force answers.</summary>
public delegate ValueTask<RouteResult> RecipientResolver(RouteQuery query, CancellationToken cancellationToken);

internal enum NoticeResult : byte
{
    /// <summary>The notification and the progress of the recipients it tells of are durable.</summary>
    Committed,

    /// <summary>Nobody is told; the recipients are still to be recorded.</summary>
    NotSent,

    /// <summary>No room, or no route known at the moment.</summary>
    TryLater,
}

/// <summary>
/// Sends delivery status notifications (RFC 3464, RFC 3461). A notification enters like local mail with the null sender and is committed together with
/// the progress of the recipients it tells of: none is lost, none doubled. What came from the null sender causes none (RFC 5321 s6.1, E33):
/// where the dialect has that habit the postmaster gets it, once; else it is dropped with an event.
/// </summary>
internal sealed class Notifier(ISpool spool, QueueRouting routing, EventSink events, INewMail newMail)
{
    public static NotificationAction ActionOf(Envelope envelope, Settled settled) => settled.Notice switch
    {
        NoticeKind.Failed => NotificationAction.Failed,
        NoticeKind.Delayed => NotificationAction.Delayed,
        _ when envelope.Recipients[settled.Recipient].Action == Recipient.AliasExpanded => NotificationAction.Expanded,
        _ => settled.Progress.Last is { Kind: OutcomeKind.Delivered } ? NotificationAction.Delivered : NotificationAction.Relayed,
    };

    public async ValueTask<NoticeResult> NotifyAsync(Envelope original, NotificationAction action, MailAddress sender, List<Settled> told)
    {
        MailConfig current = routing.Config();
        MailAddress to = sender;
        if (to.IsNull && !IsForPostmaster(original, current, out to))
            return Drop(original, "the message itself has the null sender: never bounce a bounce");
        NoticeResult result = await SendAsync(original, action, to, told, isCopy: false);
        if (result is NoticeResult.Committed && !sender.IsNull && PostmasterFor(action, current) is { } postmaster)
            await SendAsync(original, action, postmaster, told, isCopy: true);
        return result;
    }

    /// <summary>Who gets the header, too, where the configuration asks for that (<c>notify_classes</c>). A copy that cannot be sent costs nothing but itself.</summary>
    private static MailAddress? PostmasterFor(NotificationAction action, MailConfig config) => (action, config.Notifications.Classes) switch
    {
        (NotificationAction.Failed, { } classes) when classes.HasFlag(NoticeClasses.Bounce) => AddressOf(config.Notifications.BounceRecipient, config),
        (NotificationAction.Delayed, { } classes) when classes.HasFlag(NoticeClasses.Delay) => AddressOf(config.Notifications.DelayRecipient, config),
        _ => null,
    };

    private static MailAddress AddressOf(string recipient, MailConfig config)
    {
        int at = recipient.LastIndexOf('@');
        return at < 0 ? new MailAddress(recipient, config.Maps?.Rewriting.Origin is { Length: > 0 } origin ? origin : config.HostName) : new MailAddress(recipient[..at], recipient[(at + 1)..]);
    }

    /// <param name="isCopy">For the postmaster, beside the sender's: the header only, and no progress is recorded with it.</param>
    private async ValueTask<NoticeResult> SendAsync(Envelope original, NotificationAction action, MailAddress to, List<Settled> told, bool isCopy)
    {
        MailConfig current = routing.Config();
        ClientInfo client = OwnClient(current);
        RouteResult route = await ResolveAsync(new RouteQuery { Client = client, ReversePath = MailAddress.Null, Recipient = to });
        if (route is RouteResult.Refused refused)
            return refused.Reason == RefusalReason.TemporaryFailure ? NoticeResult.TryLater : Drop(original, "no route to <" + to + ">: " + refused.Text);

        await using ISpoolWriter writer = spool.Begin();
        var envelope = new Envelope
        {
            Id = writer.Id,
            Received = events.Now,
            ReversePath = MailAddress.Null,
            Recipients = ((RouteResult.Accepted)route).Recipients,
            Client = client,
            IsNotification = true,
        };
        var request = new StatusNotificationRequest
        {
            Style = current.Dialect is Dialect.OpenSmtpd or Dialect.OpenSmtpdOld ? NotificationStyle.OpenSmtpd : NotificationStyle.Postfix,
            ReportingHost = current.HostName,
            Original = original,
            To = to,
            Recipients = [.. told.SelectMany(one => Notified(original, action, one, current))],
            Now = events.Now,
            Random = new UInt128(RandomSession(), RandomSession()),
            NotificationId = writer.Id,
            MaximumReturned = isCopy ? 0 : current.Notifications.ReturnedSize,
        };
        if (!await WriteAsync(writer, envelope, request, current))
            return NoticeResult.TryLater;
        return await CommitAsync(writer, envelope with { Size = writer.Length }, request, isCopy ? [] : told);
    }

    private async ValueTask<NoticeResult> CommitAsync(ISpoolWriter writer, Envelope envelope, StatusNotificationRequest request, List<Settled> told)
    {
        bool lease = newMail.HasRoom;
        SpoolUpdate? with = told.Count == 0 ? null : new SpoolUpdate(request.Original.Id) { Progress = [.. told.Select(one => (one.Recipient, one.Progress))] };
        SpoolStatus status = await writer.CommitAsync(envelope, lease, with, CancellationToken.None);
        if (status is SpoolStatus.Unknown)
            return NoticeResult.Committed;
        if (status is not SpoolStatus.Ok)
            return NoticeResult.TryLater;
        string kind = request.Recipients[0].Action.ToString().ToLowerInvariant();
        events.Publish(new NotificationQueued(request.Original.Id, envelope.Id, kind, request.To)
        {
            At = events.Now,
            HeaderMessageId = MessageIdField.Create(request.ReportingHost, (ulong)(request.Random >> 64)),
        });
        newMail.Committed(envelope, lease);
        return NoticeResult.Committed;
    }

    private NoticeResult Drop(Envelope original, string reason)
    {
        events.Publish(new NotificationDropped(original.Id, reason) { At = events.Now });
        return NoticeResult.NotSent;
    }

    private static bool IsForPostmaster(Envelope original, MailConfig config, out MailAddress to)
    {
        if (config.Notifications.Classes is { } classes)
        {
            to = AddressOf(config.Notifications.DoubleBounceRecipient, config);
            MailAddress one = to;
            return classes.HasFlag(NoticeClasses.DoubleBounce) && !original.Recipients.Any(recipient => recipient.Original.Equals(one));
        }
        MailAddress postmaster = to = new MailAddress("postmaster", config.HostName);
        return config.Dialect is Dialect.Postfix or Dialect.Qmail && !original.Recipients.Any(recipient => recipient.Original.Equals(postmaster));
    }

    private async ValueTask<RouteResult> ResolveAsync(RouteQuery query)
    {
        try
        {
            return routing.Maps() is { } maps ? await RewriteAsync(maps, query) : await routing.Resolve(query, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // A bug in a table or the router must not cost the notification.
            string text = exception.GetType().Name + ": " + exception.Message;
            events.Publish(new OperatorWarning("queue", "Routing of a notification failed inside: " + text) { At = events.Now });
            return new RouteResult.Refused(RefusalReason.TemporaryFailure, 451, new(4, 3, 0), text, SourceSpan.None);
        }
    }

    /// <summary>Where maps route, a notification is rewritten like other mail; that its recipient does not exist shows at its delivery.</summary>
    private static async ValueTask<RouteResult> RewriteAsync(MapRouter maps, RouteQuery query)
    {
        var draft = new EnvelopeDraft { ReversePath = query.ReversePath, Recipients = [new DraftRecipient(query.Recipient)], IsCopied = false };
        return await maps.RewriteAsync(draft, CancellationToken.None) switch
        {
            EnvelopeRewriting.Rewritten rewritten => new RouteResult.Accepted(rewritten.Recipients, SourceSpan.None),
            EnvelopeRewriting.Refused refused => new RouteResult.Refused(RefusalReason.TemporaryFailure, 451, refused.Status, refused.Text, SourceSpan.None) { Detail = refused.Detail },
            _ => throw new InvalidOperationException("an unknown answer"),
        };
    }

    private async ValueTask<bool> WriteAsync(ISpoolWriter writer, Envelope envelope, StatusNotificationRequest request, MailConfig current)
    {
        var trace = new ArrayBufferWriter<byte>(512);
        TraceFields.WriteReceived(trace, TraceStyleOf(current.Dialect), new ReceivedTrace
        {
            Client = envelope.Client,
            ByHost = current.HostName,
            Id = envelope.Id,
            Time = envelope.Received,
            For = request.To,
        });
        SpoolStatus status = await writer.WriteAsync(trace.WrittenMemory, CancellationToken.None);
        using SpoolBody? body = await spool.OpenBodyAsync(request.Original.Id, CancellationToken.None);
        await StatusNotification.WriteAsync(request, ReadAsync, KeepAsync, CancellationToken.None);
        return status is SpoolStatus.Ok;

        async ValueTask KeepAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
        {
            if (status is SpoolStatus.Ok)
                status = await writer.WriteAsync(octets, cancellationToken);
        }

        async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            try
            {
                return body is null ? 0 : await body.ReadAsync(offset, buffer, cancellationToken);
            }
            catch (InvalidDataException)
            {
                // A damaged original: the sender is told all the same, with what can be read.
                return 0;
            }
        }
    }

    /// <summary>One entry, or one for each of the deliveries that the recipient became and that ended so.</summary>
    private static IEnumerable<NotifiedRecipient> Notified(Envelope original, NotificationAction action, Settled one, MailConfig config)
    {
        Recipient recipient = original.Recipients[one.Recipient];
        DeliveryOutcome outcome = one.Progress.Last!;
        var entry = new NotifiedRecipient
        {
            Recipient = recipient,
            Action = action,
            Outcome = outcome,
            LastAttempt = one.Progress.Attempted,
            WillRetryUntil = action is NotificationAction.Delayed ? original.Received + RetryPolicy.LifetimeOf(original, recipient, config) : null,
        };
        DeliveryPart[] parts = [.. outcome.Parts.Where(p => p.Outcome.Kind == outcome.Kind)];
        return parts.Length == 0 ? [entry] : parts.Select(p => entry with { Recipient = recipient with { Address = p.Address }, Outcome = p.Outcome });
    }

    private static TraceStyle TraceStyleOf(Dialect dialect) => dialect switch
    {
        Dialect.OpenSmtpd => TraceStyle.OpenSmtpd,
        Dialect.OpenSmtpdOld => TraceStyle.OpenSmtpdOld,
        _ => TraceStyle.Postfix,
    };

    private static ClientInfo OwnClient(MailConfig config) => new()
    {
        SessionId = RandomSession(),
        HostName = config.HostName,
        Helo = config.HostName,
        Protocol = "ESMTPA",
    };

    private static ulong RandomSession()
    {
        Span<byte> octets = stackalloc byte[8];
        RandomNumberGenerator.Fill(octets);
        return BinaryPrimitives.ReadUInt64LittleEndian(octets);
    }
}
