using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Tables;

/// <summary>Targets in the order written, or what is wrong with the text (then there are none).</summary>
public sealed record AliasTargets(ImmutableArray<AliasTarget> Targets, string? Error = null)
{
    public bool IsValid => Error is null;
}

/// <summary>
/// Reads lists of targets: aliases(5), forward(5), included files. Pure; never throws. A comma separates, quotes and backslashes protect,
/// <c>#</c> at the start or after a blank begins a comment, and no control character gets into a target (E12).
/// </summary>
public static class AliasParser
{
    /// <summary>Targets of one text; longer lists are an error, not cut.</summary>
    public const int MaximumTargets = 10_000;

    /// <summary>Reads the value of one alias.</summary>
    public static AliasTargets ParseValue(string value)
    {
        var targets = ImmutableArray.CreateBuilder<AliasTarget>();
        string? error = AddLine(value, targets);
        return error is null ? new AliasTargets(targets.ToImmutable()) : new AliasTargets([], error);
    }

    /// <summary>Reads a forward file or an included file: targets on one or more lines; a backslash at the end joins the next line.</summary>
    public static AliasTargets ParseFile(string content)
    {
        var targets = ImmutableArray.CreateBuilder<AliasTarget>();
        int number = 0;
        var line = new StringBuilder();
        foreach (ReadOnlySpan<char> raw in content.AsSpan().EnumerateLines())
        {
            number++;
            line.Append(raw);
            if (raw.EndsWith("\\") && !raw.TrimStart().StartsWith("#"))
            {
                line.Length--;
                continue;
            }
            if (AddLine(line.ToString(), targets) is { } error)
                return new AliasTargets([], string.Create(CultureInfo.InvariantCulture, $"line {number}: {error}"));
            line.Clear();
        }
        return AddLine(line.ToString(), targets) is { } last ? new AliasTargets([], last) : new AliasTargets(targets.ToImmutable());
    }

    private static string? AddLine(string line, ImmutableArray<AliasTarget>.Builder targets)
    {
        int position = 0;
        while (position < line.Length)
        {
            if (!TryItem(line, ref position, out string item, out bool escaped))
                return "a quote or a backslash is not closed";
            if (item.Length == 0)
                continue;
            if (targets.Count >= MaximumTargets)
                return "too many targets";
            if (!TryTarget(item, escaped, out AliasTarget? target))
                return $"\"{Printable(item)}\" is neither a user nor an address, a file, a command, an include or an error";
            targets.Add(target);
        }
        return null;
    }

    /// <summary>Takes the text up to the next bare comma. Quotes stay in it, backslashes go; <paramref name="escaped"/> tells of one at its start.</summary>
    private static bool TryItem(string line, ref int position, out string item, out bool escaped)
    {
        var text = new StringBuilder();
        char quote = '\0';
        escaped = false;
        item = "";
        for (; position < line.Length; position++)
        {
            char c = line[position];
            if (c == '\\')
            {
                if (++position == line.Length)
                    return false;
                escaped |= text.Length == 0;
                text.Append(line[position]);
                continue;
            }
            if (quote == '\0' && (c == ',' || (c == '#' && (text.Length == 0 || char.IsWhiteSpace(text[^1])))))
                break;
            if (c is '"' or '\'')
                quote = quote == '\0' ? c : quote == c ? '\0' : quote;
            if (text.Length > 0 || !char.IsWhiteSpace(c))
                text.Append(c);
        }
        position = position < line.Length && line[position] == ',' ? position + 1 : line.Length;
        item = text.ToString().TrimEnd();
        return quote == '\0';
    }

    private static bool TryTarget(string item, bool escaped, [NotNullWhen(true)] out AliasTarget? target)
    {
        target = null;
        if (item.AsSpan().ContainsAnyInRange('\0', '\x1f') || item.Contains('\x7f', StringComparison.Ordinal))
            return false;
        if (!escaped && TryQuotedAddress(item, out MailAddress? quoted))
        {
            target = new AliasTarget.Address(quoted);
            return true;
        }
        string text = Unquote(item);
        target = TryAfter(text, "error:", out string rest) || TryAfter(text, ":error:", out rest) ? Error(Unquote(rest))
            : TryAfter(text, "include:", out rest) || TryAfter(text, ":include:", out rest) ? Include(Unquote(rest))
            : text.StartsWith('|') ? Command(text)
            : text.StartsWith('/') ? new AliasTarget.File(text)
            : AddressOrUser(text, escaped);
        return target is not null;
    }

    private static AliasTarget? Error(string text)
    {
        if (text.Length < 5 || text[0] is not ('4' or '5') || !char.IsAsciiDigit(text[1]) || !char.IsAsciiDigit(text[2]) || text[3] != ' ' || !char.IsAsciiLetterOrDigit(text[4]))
            return null;
        int code = int.Parse(text.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        string words = text[4..];
        int blank = words.IndexOf(' ', StringComparison.Ordinal);
        return blank > 0 && EnhancedStatus.TryParse(words.AsSpan(0, blank), out EnhancedStatus status) && status.Class == text[0] - '0'
            ? new AliasTarget.Error(code, status, words[(blank + 1)..].TrimStart())
            : new AliasTarget.Error(code, default, words);
    }

    private static AliasTarget.Include? Include(string path) => path.StartsWith('/') ? new AliasTarget.Include(path) : null;

    private static AliasTarget.Command? Command(string text)
    {
        string command = Unquote(text[1..].Trim());
        return command.Length == 0 ? null : new AliasTarget.Command(command);
    }

    private static AliasTarget? AddressOrUser(string text, bool escaped)
    {
        int at = text.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
            return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c >= 0x80 || "_.-+=".Contains(c, StringComparison.Ordinal)) ? new AliasTarget.User(text, escaped) : null;
        string user = text[..at];
        string domain = text[(at + 1)..].TrimEnd('.');
        return user.Length > 0 && user.All(c => c == '.' || AddressSyntax.IsAtomText(c)) && IsDomain(domain) ? new AliasTarget.Address(new MailAddress(user, domain)) : null;
    }

    /// <summary><c>"a b"@example.org</c>: the only target whose quotes are not around the whole.</summary>
    private static bool TryQuotedAddress(string item, [NotNullWhen(true)] out MailAddress? address)
    {
        address = null;
        int at = item.LastIndexOf('@');
        if (item[0] != '"' || at < 3 || item[at - 1] != '"' || item.AsSpan(1, at - 2).Contains('"') || !IsDomain(item[(at + 1)..]))
            return false;
        address = new MailAddress(item[1..(at - 1)], item[(at + 1)..]);
        return true;
    }

    private static bool IsDomain(string domain) =>
        domain.StartsWith('[') && domain.EndsWith(']')
            ? NetworkPrefix.TryParseAddress(domain, out _)
            : domain.Length > 0 && domain.All(c => char.IsAsciiLetterOrDigit(c) || c >= 0x80 || c is '-' or '.' or '_');

    private static bool TryAfter(string text, string prefix, out string rest)
    {
        bool has = text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
        rest = has ? text[prefix.Length..].Trim() : "";
        return has;
    }

    private static string Unquote(string text) => text.Length >= 2 && text[0] == '"' && text[^1] == '"' ? text[1..^1] : text;

    private static string Printable(string text) => string.Concat(text.Take(80).Select(c => char.IsControl(c) ? '?' : c));
}
