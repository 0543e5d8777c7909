using System.Collections.Immutable;
using System.Text;

namespace Estafette.Tables;

public enum TargetKind : byte
{
    /// <summary>A name or address in its external form, not yet completed.</summary>
    Address,

    /// <summary>The text behind the bar.</summary>
    Command,

    /// <summary>A path, absolute or below <c>~/</c>.</summary>
    File,

    /// <summary>The path behind <c>:include:</c>.</summary>
    Include,
}

/// <param name="Text">What the target names.</param>
/// <param name="IsDirect">A backslash stands before the name: no alias, no forward file.</param>
public readonly record struct ListedTarget(TargetKind Kind, string Text, bool IsDirect = false);

/// <summary>
/// Reads lists of targets as local(8) does (aliases(5), .forward files, included files): commas separate, double quotes protect, comments stand in parentheses, an address may stand in
/// angle brackets behind a name. Pure and total: what makes no sense is an address that nobody has.
/// </summary>
public static class TargetList
{
    /// <summary>Targets of one list. One more is read, so that a longer list is seen to be one: nobody knows whom the rest leaves out (E32).</summary>
    public const int MaximumTargets = 50_000;

    private const string IncludeWord = ":include:";

    /// <summary>Reads the value of one alias.</summary>
    public static ImmutableArray<ListedTarget> ReadValue(string value)
    {
        var targets = ImmutableArray.CreateBuilder<ListedTarget>();
        AddLine(value, targets);
        return targets.ToImmutable();
    }

    /// <summary>Reads a file: each line is a list, <c>#</c> at its start makes it a comment.</summary>
    public static ImmutableArray<ListedTarget> ReadFile(string content)
    {
        var targets = ImmutableArray.CreateBuilder<ListedTarget>();
        foreach (ReadOnlySpan<char> line in content.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith('#'))
                AddLine(line.ToString(), targets);
        }
        return targets.ToImmutable();
    }

    private static void AddLine(string line, ImmutableArray<ListedTarget>.Builder targets)
    {
        for (int position = 0; position < line.Length && targets.Count <= MaximumTargets;)
        {
            string item = NextItem(line, ref position);
            if (item.Length > 0)
                targets.Add(TargetOf(item));
        }
    }

    /// <summary>The text up to the next bare comma, without comments; quotes and backslashes stay in it.</summary>
    private static string NextItem(string line, ref int position)
    {
        var item = new StringBuilder();
        bool quoted = false;
        int comment = 0;
        for (; position < line.Length; position++)
        {
            char c = line[position];
            if (c == '\\' && position + 1 < line.Length)
            {
                if (comment == 0)
                    item.Append(c).Append(Harmless(line[position + 1]));
                position++;
                continue;
            }
            if (c == '"' && comment == 0)
                quoted = !quoted;
            if (!quoted && c == '(')
                comment++;
            if (!quoted && comment == 0 && c == ',')
            {
                position++;
                return item.ToString().Trim();
            }
            if (comment == 0)
                item.Append(Harmless(c));
            if (!quoted && c == ')' && comment > 0)
                comment--;
        }
        return item.ToString().Trim();
    }

    /// <summary>No control character gets into a command or an address, not behind a backslash either.</summary>
    private static char Harmless(char c) => char.IsControl(c) ? ' ' : c;

    private static ListedTarget TargetOf(string item)
    {
        string plain = Unquote(item);
        if (plain.StartsWith('|'))
            return new ListedTarget(TargetKind.Command, plain[1..].Trim());
        if (plain is ['/' or '~', ..])
            return new ListedTarget(TargetKind.File, plain);
        if (plain.StartsWith(IncludeWord, StringComparison.OrdinalIgnoreCase))
            return new ListedTarget(TargetKind.Include, plain[IncludeWord.Length..].Trim());
        if (item.EndsWith('>') && item.LastIndexOf('<') is int open and >= 0)
            item = item[(open + 1)..^1].Trim();
        return item.StartsWith('\\') && item.Length > 1 ? new ListedTarget(TargetKind.Address, item[1..], IsDirect: true) : new ListedTarget(TargetKind.Address, item);
    }

    /// <summary>Quotes go, and backslashes within them.</summary>
    private static string Unquote(string item)
    {
        if (!item.Contains('"', StringComparison.Ordinal))
            return item;
        var plain = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < item.Length; i++)
        {
            if (item[i] == '"')
                quoted = !quoted;
            else
                plain.Append(item[i] == '\\' && quoted && i + 1 < item.Length ? item[++i] : item[i]);
        }
        return plain.ToString();
    }
}
