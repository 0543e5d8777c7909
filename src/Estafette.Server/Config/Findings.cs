using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>Collects what is found while a configuration is read. Bounded: after <see cref="Maximum"/> errors the rest is left out, and says so.</summary>
internal sealed class Findings
{
    public const int Maximum = 200;

    private readonly List<Diagnostic> _list = [];

    public bool HasErrors { get; private set; }

    /// <summary>Nothing further is taken: the reader may stop.</summary>
    public bool IsFull { get; private set; }

    public void Error(SourceSpan at, string message, string? cure = null)
    {
        HasErrors = true;
        Add(Severity.Error, at, message, cure);
    }

    public void Warning(SourceSpan at, string message, string? cure = null) => Add(Severity.Warning, at, message, cure);

    public void Note(SourceSpan at, string message, string? cure = null) => Add(Severity.Info, at, message, cure);

    /// <summary>
    /// By file in the order of their first finding, then by place: passes over the same text find things out of order.
    /// </summary>
    public ImmutableArray<Diagnostic> InOrder(IReadOnlyList<string> files)
    {
        var rank = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string file in files)
            rank.TryAdd(file, rank.Count);
        IEnumerable<Diagnostic> sorted = _list
            .OrderBy(d => rank.GetValueOrDefault(d.At.File, int.MaxValue)).ThenBy(d => d.At.Line).ThenBy(d => d.At.Column);
        return IsFull ? [.. sorted, new Diagnostic(Severity.Error, SourceSpan.None, "too many findings; the rest is not shown")] : [.. sorted];
    }

    private void Add(Severity severity, SourceSpan at, string message, string? cure)
    {
        if (IsFull)
            return;
        var finding = new Diagnostic(severity, at, message, cure);
        if (_list.Contains(finding))
            return;
        _list.Add(finding);
        IsFull = _list.Count >= Maximum;
        HasErrors |= IsFull;
    }
}
