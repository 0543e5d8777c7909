using System.Collections.Immutable;

namespace Estafette.Mail;

/// <summary>The Action of one recipient (RFC 3464 s2.3.3); the last two are Postfix's own, of a report about mail that was not sent (<c>sendmail -bv</c>).</summary>
public enum NotificationAction : byte { Failed, Delayed, Delivered, Relayed, Expanded, Deliverable, Undeliverable }

/// <summary>Whose habits a notification follows in its subject, its sender and what it gives back.</summary>
public enum NotificationStyle : byte { OpenSmtpd, Postfix }

/// <summary>One recipient a notification tells of.</summary>
public sealed record NotifiedRecipient
{
    public required Recipient Recipient { get; init; }
    public required NotificationAction Action { get; init; }
    public required DeliveryOutcome Outcome { get; init; }
    public DateTimeOffset? LastAttempt { get; init; }

    /// <summary>When a delayed recipient will be given up.</summary>
    public DateTimeOffset? WillRetryUntil { get; init; }
}

/// <summary>Everything a notification is made of, but the original's octets.</summary>
public sealed record StatusNotificationRequest
{
    public required NotificationStyle Style { get; init; }

    /// <summary>The name of this server.</summary>
    public required string ReportingHost { get; init; }

    /// <summary>The message the notification is about.</summary>
    public required Envelope Original { get; init; }

    /// <summary>Who is told: the original's reverse-path, or the postmaster for a double bounce.</summary>
    public required MailAddress To { get; init; }

    /// <summary>At least one; the first decides the subject, so recipients with different actions make several notifications.</summary>
    public required ImmutableArray<NotifiedRecipient> Recipients { get; init; }
    public required DateTimeOffset Now { get; init; }

    /// <summary>Goes into the boundary and the Message-ID: unpredictable, so that nobody can write a message that ends its own part.</summary>
    public required UInt128 Random { get; init; }

    /// <summary>The notification's own id, part of the boundary in Postfix's form.</summary>
    public MessageId NotificationId { get; init; }

    /// <summary>A larger original comes back as header only (E36).</summary>
    public long MaximumReturned { get; init; } = 50_000;

    /// <summary>A returned header is cut here.</summary>
    public int MaximumReturnedHeader { get; init; } = 1 << 16;

    /// <summary>True where the whole original comes back: RET=FULL, or Postfix's habit when RET was not given; only of failures (RFC 3461 s4.3).</summary>
    public bool ReturnsFull =>
        Recipients[0].Action is NotificationAction.Failed && Original.Size <= MaximumReturned
        && (Original.Return is DsnReturn.Full || (Original.Return is DsnReturn.Unspecified && Style is NotificationStyle.Postfix));
}
