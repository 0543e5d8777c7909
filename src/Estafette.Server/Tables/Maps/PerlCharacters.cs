using System.Text;

namespace Estafette.Tables;

/// <summary>A pattern and how far it is read.</summary>
internal sealed class PerlCursor(string text)
{
    public string Text => text;
    public int At { get; set; }

    public bool Peek(string word) => string.CompareOrdinal(text, At, word, 0, word.Length) == 0;
}

/// <summary>Reads the characters and sets of a PCRE pattern: what stands behind a backslash, and brackets. Problems are worded as PCRE2 does.</summary>
internal sealed class PerlCharacters(PerlCursor cursor)
{
    private const string Word = "a-zA-Z0-9_", Space = @" \t\n\v\f\r", NotWord = @"\x00-/:-@\[-\^`{-\uf7ff", NotSpace = @"\x00-\x08\x0e-\x1f!-\uf7ff", NotDigit = @"\x00-/:-\uf7ff";
    private const string Horizontal = @" \t\uf7a0", Vertical = @"\n\v\f\r\uf785", NotHorizontal = @"\x00-\x08\n-\x1f!-\uf79f\uf7a1-\uf7ff", NotVertical = @"\x00-\t\x0e-\uf784\uf786-\uf7ff";

    /// <summary>The problem is that it cannot be expressed here.</summary>
    public bool IsUnsupported { get; private set; }

    /// <summary>The set that a letter behind a backslash stands for; null for none.</summary>
    public static string? ClassOf(char c) => c switch
    {
        'd' => "0-9",
        'D' => NotDigit,
        'w' => Word,
        'W' => NotWord,
        's' => Space,
        'S' => NotSpace,
        'h' => Horizontal,
        'H' => NotHorizontal,
        'v' => Vertical,
        'V' => NotVertical,
        _ => null,
    };

    /// <summary>A single character that a letter or a code behind a backslash stands for.</summary>
    public string? Character(char c, out char value)
    {
        value = c;
        switch (c)
        {
            case 'a':
                value = '\a';
                return null;
            case 'e':
                value = '\x1b';
                return null;
            case 'f':
                value = '\f';
                return null;
            case 'n':
                value = '\n';
                return null;
            case 'r':
                value = '\r';
                return null;
            case 't':
                value = '\t';
                return null;
            case 'c' when cursor.At < cursor.Text.Length && cursor.Text[cursor.At] is >= ' ' and <= '~':
                value = (char)(char.ToUpperInvariant(cursor.Text[cursor.At++]) ^ 0x40);
                return null;
            case 'x':
                return Code(16, 2, out value);
            case 'o':
                return cursor.Peek("{") ? Code(8, 3, out value) : @"missing opening brace after \o";
            case >= '0' and <= '7':
                cursor.At--;
                return Code(8, 3, out value);
            default:
                return char.IsAsciiLetterOrDigit(c) ? @"unrecognized character follows \" : null;
        }
    }

    private string? Code(int radix, int digits, out char value)
    {
        value = '\0';
        bool braced = cursor.Peek("{") && cursor.Text.IndexOf('}', cursor.At) > 0;
        int start = braced ? cursor.At + 1 : cursor.At;
        int end = start;
        while (end < cursor.Text.Length && (braced || end - start < digits) && (radix == 16 ? char.IsAsciiHexDigit(cursor.Text[end]) : cursor.Text[end] is >= '0' and <= '7'))
            end++;
        if (braced && (end == start || cursor.Text[end] != '}'))
            return radix == 16 ? @"non-hex character in \x{} (closing brace missing?)" : @"non-octal character in \o{} (closing brace missing?)";
        int code = end == start ? 0 : end - start > 6 ? int.MaxValue : Convert.ToInt32(cursor.Text[start..end], radix);
        cursor.At = braced ? end + 1 : end;
        value = (char)(code & 0xff);
        return code > 0xff ? "character code point value in \\x{} or \\o{} is too large" : null;
    }

    public string? Class(out string text)
    {
        text = "";
        var set = new StringBuilder("[");
        if (cursor.Peek("^"))
        {
            set.Append('^');
            cursor.At++;
        }
        bool quoted = false;
        for (bool first = true; ; first = false)
        {
            if (cursor.At >= cursor.Text.Length)
                return "missing terminating ] for character class";
            if (!quoted && cursor.Text[cursor.At] == ']' && !first)
                break;
            if (cursor.Peek(quoted ? @"\E" : @"\Q"))
            {
                (quoted, cursor.At) = (!quoted, cursor.At + 2);
                continue;
            }
            if (Element(quoted, out char low, out string? named) is { } problem)
                return problem;
            if (named is not null)
            {
                set.Append(named);
                continue;
            }
            if (!quoted && cursor.Peek("-") && cursor.At + 1 < cursor.Text.Length && cursor.Text[cursor.At + 1] != ']')
            {
                int dash = cursor.At++;
                if (Element(quoted, out char high, out string? set2) is { } wrong)
                    return wrong;
                if (set2 is not null)
                    cursor.At = dash + 1;
                else if (high < low)
                    return "range out of order in character class";
                set.Append(ClassText.Escape(low)).Append(set2 is not null ? @"\-" : "-" + ClassText.Escape(high));
                continue;
            }
            set.Append(ClassText.Escape(low));
        }
        cursor.At++;
        text = set.Append(']').ToString();
        return null;
    }

    private string? Element(bool quoted, out char character, out string? named)
    {
        named = null;
        character = cursor.Text[cursor.At++];
        if (quoted)
            return null;
        if (character == '[' && cursor.Peek(":") && cursor.Text.IndexOf(":]", cursor.At + 1, StringComparison.Ordinal) is > 0 and int end && cursor.Text.AsSpan(cursor.At + 1, end - cursor.At - 1).TrimStart('^') is var name && !name.ContainsAnyExceptInRange('a', 'z'))
        {
            bool negated = cursor.Text[cursor.At + 1] == '^';
            cursor.At = end + 2;
            string word = name.ToString();
            named = word == "word" ? Word : ClassText.Named(word);
            return named is null ? "unknown POSIX class name" : negated ? Unsupported("a negated POSIX class") : null;
        }
        if (character != '\\')
            return null;
        if (cursor.At == cursor.Text.Length)
            return @"\ at end of cursor.Text";
        char c = cursor.Text[cursor.At++];
        if (c == 'b')
        {
            character = '\b';
            return null;
        }
        if (c is 'p' or 'P')
            return Unsupported("\\" + c);
        if (c is 'R' or 'X' or 'N' or 'B')
            return "escape sequence is invalid in character class";
        named = ClassOf(c);
        return named is null ? Character(c, out character) : null;
    }

    private string Unsupported(string what)
    {
        IsUnsupported = true;
        return what + " is not supported here";
    }
}
