using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// An update on its way through the log: checked against everything that is ahead of it there, flushed or not, and applied when the disk has it.
/// The message must be loaded and in use (<see cref="LoadedMessage.Users"/>) until the end.
/// </summary>
internal sealed class PendingUpdate(SpoolIndex index, IndexEntry entry, LoadedMessage loaded, SpoolUpdate update)
{
    /// <summary>Messages with so few recipients always write the whole progress: one record says all.</summary>
    private const int FewRecipients = 4;

    /// <summary>Progress records that may have to be read for one message, beside a share of its recipients.</summary>
    private const int LongestChain = 16;
    private ImmutableArray<RecipientProgress> _after;

    public IndexEntry Entry => entry;
    public LoadedMessage Loaded => loaded;
    public SpoolUpdate Update => update;

    /// <summary>The message is finished with this update.</summary>
    public bool Finishes { get; private set; }

    /// <summary>What the record must carry to make earlier progress records needless; null where the update alone is enough.</summary>
    public ImmutableArray<RecipientProgress>? Whole { get; private set; }

    /// <summary>Whether the message is held after it; part of a whole record.</summary>
    public bool HeldAfter => loaded.PendingHeld ?? entry.IsHeld;

    public SpoolStatus Prepare(bool mayBeWhole)
    {
        if (entry.IsGone || loaded.IsPendingGone)
            return SpoolStatus.Unknown;
        _after = ProgressRules.Apply(loaded.Pending ?? loaded.Progress, update);
        Finishes = update.Remove || ProgressRules.IsFinished(_after);
        int chain = 1 + (entry.EarlierProgress?.Count ?? 0);
        Whole = mayBeWhole && !Finishes && (_after.Length <= FewRecipients || chain >= LongestChain + _after.Length / 8) ? _after : null;
        loaded.Pending = _after;
        loaded.PendingHeld = update.Held ?? loaded.PendingHeld;
        loaded.IsPendingGone = Finishes;
        return SpoolStatus.Ok;
    }

    /// <summary>Under the index' lock.</summary>
    public void Apply(RecordPlace place)
    {
        if (entry.IsGone)
            return;
        if (!Finishes)
            index.AddProgress(entry, place, Whole is not null);
        index.Apply(entry, update, _after);
        if (loaded.Pending is { } pending && pending == _after)
            Rollback();
    }

    /// <summary>Nothing that is pending was kept.</summary>
    public void Rollback()
    {
        loaded.Pending = null;
        loaded.PendingHeld = null;
        loaded.IsPendingGone = false;
    }
}

/// <summary>Makes an update of one message durable.</summary>
internal sealed class UpdateOperation(PendingUpdate pending) : LogOperation, IDisposable
{
    private const int UsualLength = 512;

    public override RecordBuffer Records { get; } = new(UsualLength);
    public override bool NeedsFlush => true;
    public override bool MayUseReserve => true;

    public override SpoolStatus Prepare()
    {
        SpoolStatus status = pending.Prepare(mayBeWhole: true);
        if (status != SpoolStatus.Ok)
            return status;
        SpoolUpdate update = pending.Whole is null ? pending.Update : pending.Update with { Held = pending.HeldAfter };
        Records.Clear();
        Records.BeginRecord();
        ProgressCodec.Write(Records, update, pending.Whole);
        Records.EndRecord(RecordType.Progress, pending.Finishes ? RecordFormat.FinishesFlag : (byte)0, update.Id.Value);
        return SpoolStatus.Ok;
    }

    public override void Apply() => pending.Apply(new RecordPlace(Segment, Offset, Records.Length));

    public override void Rollback() => pending.Rollback();

    public void Dispose() => Records.Dispose();
}

/// <summary>Removes a message whose records can no longer be read; what is left of it has been set aside. The index may have forgotten it already.</summary>
internal sealed class RemovalOperation(SpoolIndex index, MessageId id) : LogOperation
{
    private const int UsualLength = 128;

    public override RecordBuffer Records { get; } = new(UsualLength);
    public override bool NeedsFlush => true;
    public override bool MayUseReserve => true;

    public override SpoolStatus Prepare()
    {
        Records.Clear();
        Records.BeginRecord();
        ProgressCodec.Write(Records, new SpoolUpdate(id) { Remove = true }, null);
        Records.EndRecord(RecordType.Progress, RecordFormat.FinishesFlag, id.Value);
        return SpoolStatus.Ok;
    }

    public override void Apply()
    {
        if (index.Find(id.Value) is { } entry)
            index.Remove(entry);
    }
}
