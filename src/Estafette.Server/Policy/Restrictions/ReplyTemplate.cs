using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// The little language of <c>default_rbl_reply</c>: <c>$name</c>, <c>${name}</c>, <c>${name?text}</c> and <c>${name:text}</c>. Values from outside are put in as they are and never read as a
/// template themselves; control characters become question marks when the reply is written.
/// </summary>
internal static class ReplyTemplate
{
    private const int MaximumLength = 2000;
    private const int MaximumNesting = 8;

    public static string Expand(string template, Func<string, string> value)
    {
        var text = new StringBuilder();
        Expand(template, value, text, MaximumNesting);
        return text.Length > MaximumLength ? text.ToString(0, MaximumLength) : text.ToString();
    }

    /// <summary>A reply with its code in front, and perhaps an enhanced one behind that.</summary>
    public static (int Code, EnhancedStatus Status, string Text) Split(string reply, int usualCode, EnhancedStatus usualStatus)
    {
        string rest = reply.Trim();
        int code = usualCode;
        if (rest.Length >= 3 && rest[0] is '4' or '5' && int.TryParse(rest.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int written))
        {
            code = written;
            rest = rest[3..].TrimStart();
        }
        int end = rest.IndexOf(' ', StringComparison.Ordinal);
        if (end > 0 && EnhancedStatus.TryParse(rest.AsSpan(0, end), out EnhancedStatus status))
            return (code, status, rest[end..].TrimStart());
        return (code, usualStatus, rest);
    }

    private static void Expand(ReadOnlySpan<char> template, Func<string, string> value, StringBuilder text, int depth)
    {
        for (int i = 0; i < template.Length && text.Length <= MaximumLength; i++)
        {
            if (template[i] != '$' || i + 1 == template.Length)
            {
                text.Append(template[i]);
                continue;
            }
            i++;
            if (template[i] == '$')
            {
                text.Append('$');
                continue;
            }
            bool braces = template[i] == '{';
            int end = braces ? Closing(template, i) : EndOfName(template, i);
            ReadOnlySpan<char> inner = braces ? template[(i + 1)..end] : template[i..end];
            if (depth > 0)
                Variable(inner, value, text, depth - 1);
            i = braces ? end : end - 1;
        }
    }

    private static void Variable(ReadOnlySpan<char> inner, Func<string, string> value, StringBuilder text, int depth)
    {
        int end = EndOfName(inner, 0);
        string found = value(inner[..end].ToString());
        if (end == inner.Length)
        {
            text.Append(found);
            return;
        }
        bool wanted = inner[end] == '?' ? found.Length > 0 : found.Length == 0;
        ReadOnlySpan<char> branch = inner[(end + 1)..];
        if (branch.Length > 1 && branch[0] == '{' && branch[^1] == '}')
            branch = branch[1..^1];
        if (wanted)
            Expand(branch, value, text, depth);
    }

    private static int EndOfName(ReadOnlySpan<char> text, int start)
    {
        int end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
            end++;
        return end;
    }

    /// <summary>The brace that closes the one at <paramref name="open"/>; the end of the text where it is missing.</summary>
    private static int Closing(ReadOnlySpan<char> text, int open)
    {
        int depth = 0;
        for (int i = open; i < text.Length; i++)
        {
            if (text[i] == '{')
                depth++;
            else if (text[i] == '}' && --depth == 0)
                return i;
        }
        return text.Length;
    }
}
