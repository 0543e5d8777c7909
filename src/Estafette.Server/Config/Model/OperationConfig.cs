namespace Estafette.Config.Model;

/// <summary>Who may operate the server by its commands, and how those show things. Each member names its parameter of postconf(5). Root and the server's own user may everything.</summary>
public sealed record OperationConfig
{
    /// <summary><c>authorized_mailq_users</c>: who may list the queue; null: everybody.</summary>
    public MatchList? QueueViewers { get; init; } = MatchList.Empty;

    /// <summary><c>authorized_flush_users</c>: who may ask for attempts now; null: everybody.</summary>
    public MatchList? QueueFlushers { get; init; } = MatchList.Empty;

    /// <summary><c>fast_flush_domains</c>: domains that <c>postqueue -s</c> and ETRN may ask for by name.</summary>
    public MatchList FlushSites { get; init; } = MatchList.Empty;

    /// <summary><c>enable_long_queue_ids</c>: the columns of listings. The ids themselves are never used again in any case.</summary>
    public bool LongQueueIds { get; init; }
}
