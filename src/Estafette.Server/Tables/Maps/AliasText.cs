using System.Text;

namespace Estafette.Tables;

/// <summary>
/// Reads the text that postalias(1) takes, <c>name: value, value</c> (aliases(5)). Pure; never throws. Text is cut into the tokens of RFC 822, so that a colon in quotation marks is none; names lose their
/// quotation marks, values keep them, blanks and commas in values are written in one way. Odd lines are told and left out, as in the original.
/// </summary>
public static class AliasText
{
    private const string Operators = "|%!()<>@,;:\\\".[]";

    private enum Kind : byte { Atom, Quoted, Literal, Comment, Operator }

    private readonly record struct Token(Kind Kind, string Text)
    {
        public bool Is(char c) => Kind == Kind.Operator && Text[0] == c;
        public bool IsText => Kind != Kind.Operator;
    }

    /// <summary>True where the first entry has a name that ends in a colon, or a colon and a blank behind it; no map's entry has.</summary>
    internal static bool LooksLikeAliases(string text)
    {
        foreach (LogicalLine line in LogicalLines.Read(text, static _ => { }))
        {
            int end = line.Text.StartsWith('"') ? line.Text.IndexOf('"', 1) + 1 : 0;
            end = line.Text.AsSpan(end).IndexOfAny(MapText.Blanks) is var blank && blank < 0 ? line.Text.Length : end + blank;
            string rest = line.Text[end..].TrimStart(MapText.Blanks);
            int colon = line.Text.IndexOf(':', StringComparison.Ordinal);
            // A name and its value may stand together, name:value; only a plain word is taken for a name then.
            return line.Text[end - 1] == ':' || (rest.Length > 1 && rest[0] == ':' && LogicalLines.IsBlank(rest[1]))
                || (colon > 0 && colon < end && rest.Length == 0 && line.Text[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
        }
        return false;
    }

    public static IEnumerable<MapEntry> Read(string text, Action<MapNote> note)
    {
        foreach (LogicalLine line in LogicalLines.Read(text, note))
        {
            if (line.Text.Contains('\uFFFD', StringComparison.Ordinal))
            {
                note(new MapNote(line.Line, $"non-UTF-8 input \"{line.Text}\" -- ignoring this line"));
                continue;
            }
            List<Token> tokens = Scan(line.Text);
            int colon = tokens.FindIndex(t => t.Is(':'));
            if (colon <= 0 || colon == tokens.Count - 1 || tokens.Take(colon).Any(t => t.Is(',')))
                note(new MapNote(line.Line, "need name:value pair"));
            else if (tokens.Take(colon).Any(t => t.Is('@') || t.Is('%')))
                note(new MapNote(line.Line, "name must be local"));
            else
                yield return new MapEntry(Write(tokens[..colon], quoted: false), Write(tokens[(colon + 1)..], quoted: true), line.Line);
        }
    }

    private static List<Token> Scan(string text)
    {
        var tokens = new List<Token>();
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            if (IsBlank(c))
                i++;
            else if (c == '(')
                tokens.Add(new Token(Kind.Comment, Comment(text, ref i)));
            else if (c == '[')
                tokens.Add(new Token(Kind.Literal, Collect(text, ref i, ']')));
            else if (c == '"')
                tokens.Add(new Token(Kind.Quoted, Collect(text, ref i, '"')));
            else if (c != '\\' && Operators.Contains(c, StringComparison.Ordinal))
            {
                tokens.Add(new Token(Kind.Operator, c.ToString()));
                i++;
            }
            else
                tokens.Add(Atom(text, ref i));
        }
        return tokens;
    }

    /// <summary>Takes what is between delimiters; a backslash protects, and goes.</summary>
    private static string Collect(string text, ref int i, char close)
    {
        var collected = new StringBuilder();
        for (i++; i < text.Length && text[i] != close; i++)
        {
            if (text[i] == '\\' && ++i == text.Length)
                break;
            collected.Append(IsBlank(text[i]) ? ' ' : text[i]);
        }
        i = Math.Min(i + 1, text.Length);
        return collected.ToString();
    }

    private static Token Atom(string text, ref int i)
    {
        var collected = new StringBuilder();
        for (; i < text.Length && (text[i] == '\\' || (!IsBlank(text[i]) && !Operators.Contains(text[i], StringComparison.Ordinal))); i++)
        {
            if (text[i] == '\\' && ++i == text.Length)
                break;
            collected.Append(IsBlank(text[i]) ? ' ' : text[i]);
        }
        string atom = collected.ToString();
        return new Token(atom.Any(c => c == ' ' || c < ' ' || c == '\x7f' || Operators.Contains(c, StringComparison.Ordinal)) ? Kind.Quoted : Kind.Atom, atom);
    }

    private static string Comment(string text, ref int i)
    {
        int start = i, depth = 0;
        for (; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '(')
                depth++;
            else if (text[i] == ')' && --depth == 0)
                break;
        }
        i = Math.Min(i + 1, text.Length);
        return text[start..i];
    }

    private static string Write(List<Token> tokens, bool quoted)
    {
        var text = new StringBuilder();
        for (int i = 0; i < tokens.Count; i++)
        {
            Token token = tokens[i];
            _ = token.Kind switch
            {
                Kind.Literal => text.Append('[').Append(quoted ? Protect(token.Text, "\\\r\n") : token.Text).Append(']'),
                Kind.Quoted when quoted => text.Append('"').Append(Protect(token.Text, "\"\\\r\n")).Append('"'),
                _ => text.Append(token.Text),
            };
            bool last = i == tokens.Count - 1;
            if (token.Is(',') ? quoted || !last : !last && (tokens[i + 1].Is('<') || (token.IsText && tokens[i + 1].IsText)))
                text.Append(' ');
        }
        return text.ToString();
    }

    private static string Protect(string text, string special)
    {
        if (text.AsSpan().IndexOfAny(special) < 0)
            return text;
        var copy = new StringBuilder();
        foreach (char c in text)
        {
            if (special.Contains(c, StringComparison.Ordinal))
                copy.Append('\\');
            copy.Append(c);
        }
        return copy.ToString();
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n';
}
