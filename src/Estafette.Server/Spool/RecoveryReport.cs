using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>What opening the log found. Damage is for a loud log line each.</summary>
public sealed record RecoveryReport
{
    /// <summary>Messages that wait.</summary>
    public int Messages { get; init; }

    /// <summary>Records read, and how long it took.</summary>
    public long Records { get; init; }
    public TimeSpan Duration { get; init; }

    /// <summary>The unfinished write at the end of the log that was cut; null when there was none. Nothing acknowledged was in it.</summary>
    public TornTail? TornTail { get; init; }

    /// <summary>Each damaged place that was found for the first time.</summary>
    public ImmutableArray<DamagedRecord> Damaged { get; init; } = [];
}

/// <summary>Where the log was cut; what was there lies in <paramref name="SetAsideAs"/>. <paramref name="Id"/> where it can be read.</summary>
public sealed record TornTail(string Segment, long Offset, long Octets, MessageId? Id, string SetAsideAs);

/// <summary>
/// A damaged place of the log. <paramref name="Id"/> is the message it belongs to, null where not even that can be read; <paramref name="IsLost"/> tells that this
/// message no longer waits (what is left of it lies in <paramref name="SetAsideAs"/> under <c>corrupt/</c>), else only progress was lost: a recipient may get it twice.
/// </summary>
public sealed record DamagedRecord(string Segment, long Offset, long Octets, MessageId? Id, bool IsLost, string SetAsideAs);

/// <summary>How opening the spool ended: the spool with its report, or one line that says why not (in use, unreadable, written by a newer version).</summary>
public sealed record SpoolOpening(LogSpool? Spool, RecoveryReport? Report, string? Refusal);
