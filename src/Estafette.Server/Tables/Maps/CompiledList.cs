using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>One pattern of a list, read once.</summary>
/// <param name="Text">Folded; the name of a table as it is.</param>
/// <param name="Network">The addresses it stands for.</param>
/// <param name="Problem">It looks like a network and is none: nothing can be said of addresses then.</param>
internal readonly record struct CompiledPattern(string Text, bool Negated, bool IsTable, NetworkPattern? Network, string? Problem);

/// <summary>A <see cref="MatchList"/> with its patterns read.</summary>
internal sealed class CompiledList
{
    private const string Version4 = "0123456789.", Version6 = "0123456789.abcdefABCDEF:[]/";

    public CompiledList(MatchList list)
    {
        ParentMatches = list.ParentMatches;
        Patterns = [.. list.Patterns.Select(Compile)];
    }

    public CompiledPattern[] Patterns { get; }

    public bool ParentMatches { get; }

    private static CompiledPattern Compile(MatchPattern pattern)
    {
        if (pattern.IsTable)
            return new CompiledPattern(pattern.Text, pattern.Negated, true, null, null);
        string text = KeyText.FoldText(pattern.Text);
        bool isAddress = NetworkPattern.TryAddress(text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text, out _);
        // Host names may stand in the same list, and are no broken networks.
        bool isNetwork = text.AsSpan().ContainsAny(":/") && text.AsSpan().ContainsAnyExcept(Version4) && !text.AsSpan().ContainsAnyExcept(Version6);
        if (!isAddress && !isNetwork)
            return new CompiledPattern(text, pattern.Negated, false, null, null);
        string? problem = NetworkPattern.Parse(text, out NetworkPattern network);
        return problem is null ? new CompiledPattern(text, pattern.Negated, false, network, null) : new CompiledPattern(text, pattern.Negated, false, null, problem);
    }
}
