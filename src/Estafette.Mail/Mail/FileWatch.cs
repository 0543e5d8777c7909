using System.Collections.Immutable;

namespace Estafette.Mail;

/// <summary>
/// Decides when a change of files is worth telling: when a file is no longer what was read, and has stood still since the look before, so that a file that is being
/// written, or a key that follows its certificate, is not read half-way. Each state is told once; what is read anew is a new list. Pure: who owns it looks, and keeps the time.
/// </summary>
public sealed class FileWatch
{
    /// <summary>Time from one look to the next while nothing happens.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Time to the next look while something changes.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    /// <summary>Looks after which a file that never stands still is told all the same.</summary>
    private const int Patience = 10;

    private readonly ImmutableArray<WatchedPath> _files;

    /// <summary>What was told last, and what the last look saw.</summary>
    private readonly WatchStamp[] _told;
    private readonly WatchStamp[] _seen;
    private int _restless;

    public FileWatch(ImmutableArray<WatchedPath> files)
    {
        _files = files;
        _told = [.. files.Select(f => f.Stamp)];
        _seen = [.. _told];
    }

    /// <summary>True while a change waits to settle.</summary>
    public bool IsRestless => _restless > 0;

    /// <summary>When to look next.</summary>
    public TimeSpan Pause => IsRestless ? Settling : Interval;

    /// <summary>Looks at every file; true when the change must be told now.</summary>
    public bool Look(Func<string, WatchStamp> stamp)
    {
        bool differs = false, still = true;
        for (int i = 0; i < _files.Length; i++)
        {
            WatchStamp now = stamp(_files[i].Path);
            differs |= now != _told[i];
            still &= now == _seen[i];
            _seen[i] = now;
        }
        _restless = differs ? _restless + 1 : 0;
        // The first look that sees a change never tells it, unless the look before (under the same list) saw the same.
        if (!differs || (!still && _restless < Patience))
            return false;
        _seen.CopyTo(_told, 0);
        _restless = 0;
        return true;
    }
}
