using System.Globalization;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>
/// One table with rows and the files behind it. The files are looked at (not read) at most once a second, by whoever asks first; meanwhile
/// the others are answered from what was loaded before.
/// </summary>
internal sealed class LookupTable(TableConfig config, FileView files, TimeProvider clock, Action<string> warn)
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    /// <summary>Odd lines that one warning names.</summary>
    private const int MaximumTold = 5;

    private readonly TableSource _source = new(files, clock);
    private readonly Lock _gate = new();
    private volatile LoadedTable? _loaded;
    private long _checkedAt;
    private string? _warned;

    public TableConfig Config => config;

    /// <summary>The newest state. One without rows has a failure; one with both answers from what was read before it.</summary>
    public LoadedTable Current()
    {
        LoadedTable? loaded = _loaded;
        if (loaded is not null && (config.Files.IsEmpty || clock.GetElapsedTime(Volatile.Read(ref _checkedAt)) < CheckInterval))
            return loaded;
        if (!_gate.TryEnter())
        {
            if (loaded is not null)
                return loaded;
            _gate.Enter();
        }
        try
        {
            return _loaded is { } known && _source.IsCurrent(config, known) ? known : Take(_source.Load(config));
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
            return Take(_source.Load(config));
    }

    /// <summary>Reads the files again where they changed, however short ago they were looked at.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            if (_loaded is not { } known || !_source.IsCurrent(config, known))
                Take(_source.Load(config));
        }
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
            Warn(next.Failure ?? Told(next));
        }
        _loaded = next;
        return next;
    }

    /// <summary>
    /// A broken text never replaces a good one. A file that became root's alone is read by root in a moment. Everything else that becomes unreadable is a temporary
    /// failure (E44).
    /// </summary>
    private bool KeepsOld(LoadedTable next) => next.Malformed || (next.Denied && files.RootStandsBehind);

    /// <summary>The table's own warning and its first odd lines; <c>check</c> tells all.</summary>
    private string? Told(LoadedTable loaded)
    {
        if (loaded.Notes.IsEmpty)
            return loaded.Warning;
        IEnumerable<string> lines = loaded.Notes.Take(MaximumTold).Select(n => MapNotes.Text(config, n));
        string more = loaded.Notes.Length > MaximumTold ? string.Create(CultureInfo.InvariantCulture, $"; and {loaded.Notes.Length - MaximumTold} more lines") : "";
        return string.Join("; ", loaded.Warning is null ? lines : lines.Prepend(loaded.Warning)) + more;
    }

    private void Warn(string? text)
    {
        if (text is not null && text != _warned)
            warn($"table {config.Name}: {text}");
        _warned = text;
    }
}
