using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>
/// One table with rows and the files behind it. The files are looked at (not read) at most once a second, by whoever asks first; meanwhile
/// the others are answered from what was loaded before.
/// </summary>
internal sealed class LookupTable(TableConfig config, TimeProvider clock, Action<string> warn)
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private volatile LoadedTable? _loaded;
    private long _checkedAt;
    private bool _loadedAsRoot;
    private string? _warned;

    public TableConfig Config => config;

    /// <summary>The newest state. One without rows has a failure; one with both answers from what was read before it.</summary>
    public LoadedTable Current()
    {
        LoadedTable? loaded = _loaded;
        if (loaded is not null && (config.Kind == TableKind.Inline || clock.GetElapsedTime(Volatile.Read(ref _checkedAt)) < CheckInterval))
            return loaded;
        if (!_gate.TryEnter())
        {
            if (loaded is not null)
                return loaded;
            _gate.Enter();
        }
        try
        {
            return _loaded is { } known && TableSource.IsCurrent(config, known) ? known : Take(TableSource.Load(config));
        }
        finally
        {
            Volatile.Write(ref _checkedAt, clock.GetTimestamp());
            _gate.Exit();
        }
    }

    /// <summary>Reads the files again, changed or not.</summary>
    public LoadedTable Reload()
    {
        lock (_gate)
            return Take(TableSource.Load(config));
    }

    private LoadedTable Take(LoadedTable next)
    {
        LoadedTable? before = _loaded;
        if (next.Rows is null && before?.Rows is not null && KeepsOld(next))
        {
            Warn($"{next.Failure}; what was read before stays in force");
            next = next with { Rows = before.Rows };
        }
        else
        {
            _loadedAsRoot = FileStamp.EffectiveUser() == 0;
            Warn(next.Failure ?? next.Warning);
        }
        _loaded = next;
        return next;
    }

    /// <summary>
    /// A broken text never replaces a good one. A file that was read as root and cannot be read after the privileges were dropped changed in the
    /// way only a reload can see. Everything else that becomes unreadable is a temporary failure (E44).
    /// </summary>
    private bool KeepsOld(LoadedTable next) => next.Malformed || (next.Denied && _loadedAsRoot && FileStamp.EffectiveUser() != 0);

    private void Warn(string? text)
    {
        if (text is not null && text != _warned)
            warn($"table {config.Name}: {text}");
        _warned = text;
    }
}
