using System.Text;

namespace Estafette.Mail;

public enum AddressTokenKind : byte
{
    Atom,
    Quoted,

    /// <summary>What stands between brackets.</summary>
    Literal,

    /// <summary>One character that separates: RFC 822's specials, and <c>%</c> and <c>!</c> of old routes.</summary>
    Operator,
}

public readonly record struct AddressToken(AddressTokenKind Kind, string Text)
{
    public bool Is(char separator) => Kind == AddressTokenKind.Operator && Text[0] == separator;
}

/// <summary>
/// An address taken apart, so that routes within it (<c>a%b@c</c>, <c>b!a</c>, <c>@b:a@c</c>) can be seen and changed. Reading never fails: what is broken stays broken and resolves to nothing. Work is
/// linear in the text, whose length the command line or header limits.
/// </summary>
public sealed class AddressTokens
{
    private const string Separators = "|%!()<>@,;:\\\".[]";

    private readonly List<AddressToken> _tokens;

    private AddressTokens(List<AddressToken> tokens) => _tokens = tokens;

    public int Count => _tokens.Count;
    public AddressToken this[int index] => _tokens[index];

    /// <summary>Reads the written form (RFC 5322, with what servers take beyond it). Comments go.</summary>
    public static AddressTokens Read(string text)
    {
        var tokens = new List<AddressToken>();
        int at = 0;
        while (at < text.Length)
        {
            char c = text[at];
            if (c is ' ' or '\t' or '\r' or '\n')
                at++;
            else if (c == '(')
                at = EndOfComment(text, at);
            else if (c == '"')
                tokens.Add(new(AddressTokenKind.Quoted, Until(text, '"', ref at)));
            else if (c == '[')
                tokens.Add(new(AddressTokenKind.Literal, Until(text, ']', ref at)));
            else if (c != '\\' && Separators.Contains(c, StringComparison.Ordinal))
                tokens.Add(new(AddressTokenKind.Operator, text[at++].ToString()));
            else
                tokens.Add(Atom(text, ref at));
        }
        return new AddressTokens(tokens);
    }

    /// <summary>
    /// The tokens of an address in semantic form. One without a domain is cut at its last <c>@</c>: where nobody could tell a route from a quoted name, a route is meant.
    /// </summary>
    public static AddressTokens Of(MailAddress address)
    {
        string local = address.LocalPart, rest = "";
        if (address.Domain.Length > 0)
        {
            rest = "@" + address.Domain;
        }
        else if (local.LastIndexOf('@') is >= 0 and int cut)
        {
            rest = local[cut..];
            local = local[..cut];
        }
        return Read(AddressSyntax.QuoteLocalPartIfNeeded(local) + rest);
    }

    /// <summary>
    /// Reads a list of addresses as lookup tables give it: commas, semicolons or blanks between them, <c>Name &lt;address&gt;</c> and <c>group: a, b;</c> as in headers. What no rule fits is kept as a name.
    /// </summary>
    public static List<AddressTokens> ReadList(string text)
    {
        var list = new List<AddressTokens>();
        var current = new List<AddressToken>();
        int phrase = 0;
        bool bracketed = false;
        foreach (AddressToken token in Read(text)._tokens)
        {
            if (bracketed ? token.Is('>') : token.Is(',') || token.Is(';'))
                Flush();
            else if (!bracketed && token.Is('<'))
            {
                // What stands before it since the last comma is a name.
                list.RemoveRange(phrase, list.Count - phrase);
                current.Clear();
                bracketed = true;
                continue;
            }
            else if (!bracketed && token.Is(':') && current.Count > 0 && !current[0].Is('@') && !current[0].Is(':'))
            {
                list.RemoveRange(phrase, list.Count - phrase);
                current.Clear();
            }
            else
            {
                if (!bracketed && current.Count > 0 && token.Kind != AddressTokenKind.Operator && current[^1].Kind != AddressTokenKind.Operator)
                    Flush();
                current.Add(token);
                continue;
            }
            bracketed = false;
            phrase = list.Count;
        }
        Flush();
        return list;

        void Flush()
        {
            if (current.Count > 0)
                list.Add(new AddressTokens([.. current]));
            current.Clear();
        }
    }

    public int Find(char separator)
    {
        for (int i = 0; i < _tokens.Count; i++)
        {
            if (_tokens[i].Is(separator))
                return i;
        }
        return -1;
    }

    public int FindLast(char separator)
    {
        for (int i = _tokens.Count - 1; i >= 0; i--)
        {
            if (_tokens[i].Is(separator))
                return i;
        }
        return -1;
    }

    public bool EndsWith(char separator) => _tokens.Count > 0 && _tokens[^1].Is(separator);

    /// <summary>A dot ends a domain, and no other dot or at sign stands before it.</summary>
    public bool EndsWithLoneDot => EndsWith('.') && _tokens.Count > 1 && !_tokens[^2].Is('.') && !_tokens[^2].Is('@');

    public bool HasLiteralFrom(int index) => _tokens.FindIndex(index, token => token.Kind == AddressTokenKind.Literal) >= 0;

    public bool HasFrom(int index, char separator) => _tokens.FindIndex(index, token => token.Is(separator)) >= 0;

    public void Set(int index, char separator) => _tokens[index] = new(AddressTokenKind.Operator, separator.ToString());

    public void RemoveFrom(int index) => _tokens.RemoveRange(index, _tokens.Count - index);

    public void RemoveThrough(int index) => _tokens.RemoveRange(0, index + 1);

    public void RemoveLast() => _tokens.RemoveAt(_tokens.Count - 1);

    public void Append(string text) => _tokens.AddRange(Read(text)._tokens);

    public void Become(string text)
    {
        _tokens.Clear();
        Append(text);
    }

    /// <summary>What stands from <paramref name="index"/> on becomes a list of its own.</summary>
    public List<AddressToken> Cut(int index)
    {
        List<AddressToken> cut = _tokens.GetRange(index, _tokens.Count - index);
        RemoveFrom(index);
        return cut;
    }

    public void Append(List<AddressToken> tokens) => _tokens.AddRange(tokens);

    /// <summary><c>site!user</c> becomes <c>user@site</c>; what is before the mark at <paramref name="bang"/> is the site.</summary>
    public void SwapAt(int bang)
    {
        List<AddressToken> user = Cut(bang + 1);
        RemoveLast();
        _tokens.InsertRange(0, [.. user, new(AddressTokenKind.Operator, "@")]);
    }

    /// <summary>The semantic form of the tokens from one to another: quoting gone, one blank between words that nothing separates.</summary>
    public string Text(int from, int to)
    {
        if (to - from == 1 && _tokens[from].Kind is AddressTokenKind.Atom or AddressTokenKind.Quoted)
            return _tokens[from].Text;
        var text = new StringBuilder();
        for (int i = from; i < to; i++)
        {
            AddressToken token = _tokens[i];
            if (i > from && token.Kind != AddressTokenKind.Operator && _tokens[i - 1].Kind != AddressTokenKind.Operator)
                text.Append(' ');
            if (token.Kind == AddressTokenKind.Literal)
                text.Append('[').Append(token.Text).Append(']');
            else
                text.Append(token.Text);
        }
        return text.ToString();
    }

    public string Text() => Text(0, _tokens.Count);

    /// <summary>Back to an address; an at sign with nothing behind it stays visible in the local part.</summary>
    public MailAddress ToAddress()
    {
        int at = FindLast('@');
        if (at < 0 || at == _tokens.Count - 1)
            return new MailAddress(Text(), "");
        return new MailAddress(Text(0, at), Text(at + 1, _tokens.Count));
    }

    private static AddressToken Atom(string text, ref int at)
    {
        var atom = new StringBuilder();
        bool plain = true;
        while (at < text.Length)
        {
            char c = text[at];
            if (c == '\\')
            {
                if (++at == text.Length)
                    break;
                c = text[at];
            }
            else if (c is ' ' or '\t' or '\r' or '\n' || Separators.Contains(c, StringComparison.Ordinal))
            {
                break;
            }
            c = c is '\t' or '\r' or '\n' ? ' ' : c;
            plain &= AddressSyntax.IsAtomText(c);
            atom.Append(c);
            at++;
        }
        return new(plain ? AddressTokenKind.Atom : AddressTokenKind.Quoted, atom.ToString());
    }

    /// <summary>What stands up to the closing mark, backslashes undone; one that is missing is thought at the end.</summary>
    private static string Until(string text, char end, ref int at)
    {
        var inner = new StringBuilder();
        for (at++; at < text.Length && text[at] != end; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            inner.Append(text[at] is '\t' or '\r' or '\n' ? ' ' : text[at]);
        }
        at = Math.Min(at + 1, text.Length);
        return inner.ToString();
    }

    private static int EndOfComment(string text, int at)
    {
        int depth = 0;
        for (; at < text.Length; at++)
        {
            if (text[at] == '\\')
                at++;
            else if (text[at] == '(')
                depth++;
            else if (text[at] == ')' && --depth == 0)
                return at + 1;
        }
        return text.Length;
    }
}
