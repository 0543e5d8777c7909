namespace Estafette.Policy.Restrictions;

/// <summary>
/// What one session keeps from stage to stage: a "refuse for now if it would be accepted" that was said at connect, HELO or MAIL holds for the recipients that follow
/// (access(5) DEFER_IF_PERMIT). Later stages overwrite their own part when they are asked again.
/// </summary>
public sealed class RestrictionMemory
{
    internal RestrictionRefusal? AfterClient { get; set; }
    internal RestrictionRefusal? AfterHelo { get; set; }
    internal RestrictionRefusal? AfterSender { get; set; }

    /// <summary>DISCARD was said: the rest of the transaction is accepted without a further question.</summary>
    public bool Discards { get; set; }

    /// <summary>Whether the sender is listed was asked already.</summary>
    internal bool SenderChecked { get; set; }

    /// <summary>A new transaction.</summary>
    public void EndTransaction()
    {
        Discards = false;
        SenderChecked = false;
        AfterSender = null;
    }
}
