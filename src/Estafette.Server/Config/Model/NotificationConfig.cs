namespace Estafette.Config.Model;

/// <summary>What the postmaster is told of (<c>notify_classes</c>), as far as it concerns deliveries.</summary>
[Flags]
public enum NoticeClasses : byte
{
    None = 0,

    /// <summary><c>bounce</c>: the header of mail that was returned.</summary>
    Bounce = 1,

    /// <summary><c>2bounce</c>: what cannot be returned, because it has the null sender.</summary>
    DoubleBounce = 2,

    /// <summary><c>delay</c>: the header of mail whose sender was warned.</summary>
    Delay = 4,
}

/// <summary>Delivery status notifications. Each member names its parameter of postconf(5) and begins with what other dialects do.</summary>
public sealed record NotificationConfig
{
    /// <summary><c>notify_classes</c>; null where the dialect has none and the postmaster gets what cannot be returned.</summary>
    public NoticeClasses? Classes { get; init; }

    /// <summary><c>bounce_notice_recipient</c>.</summary>
    public string BounceRecipient { get; init; } = "postmaster";

    /// <summary><c>2bounce_notice_recipient</c>.</summary>
    public string DoubleBounceRecipient { get; init; } = "postmaster";

    /// <summary><c>delay_notice_recipient</c>.</summary>
    public string DelayRecipient { get; init; } = "postmaster";

    /// <summary><c>bounce_size_limit</c>: a larger message comes back as header only.</summary>
    public long ReturnedSize { get; init; } = 50_000;
}
