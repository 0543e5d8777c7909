using System.Text;

namespace Estafette.Mail;

/// <summary>
/// The value of a field that holds addresses, as Postfix takes it apart to rewrite them: read from right to left, so that what is no address stays where it is; missing commas are
/// added, comments moved behind their address. Nothing is lost and nothing refused. <see cref="Write"/> gives it a new layout, so a field in which no address changed is better kept as it
/// came. Octets stay octets (header_address_token_limit, cleanup(8)).
/// </summary>
public sealed class AddressField
{
    /// <summary>Octets around one address (names, comments) beyond which only the bare address is kept: old receivers overflow (CERT CA-2003-07).</summary>
    private const int MaximumAround = 250;

    private readonly HeaderToken? _first;
    private readonly List<HeaderToken> _addresses = [];

    private AddressField(HeaderToken? first)
    {
        _first = first;
        for (HeaderToken? token = first; token is not null; token = token.Next)
        {
            if (token.Kind == HeaderTokenKind.Address)
                _addresses.Add(token);
        }
    }

    /// <param name="value">What stands behind the colon.</param>
    /// <param name="tokenLimit">Tokens read at most.</param>
    public static AddressField Parse(ReadOnlySpan<byte> value, int tokenLimit) =>
        new(AddressGrouping.Group(new HeaderTokenizer(Encoding.Latin1.GetString(value), tokenLimit).Read()));

    public int Count => _addresses.Count;

    /// <summary>An address in its written form, quoted where it was.</summary>
    public string AddressAt(int index)
    {
        var text = new StringBuilder();
        AppendTokens(text, _addresses[index].Inner);
        return FromOctets(text.ToString());
    }

    /// <summary>An address without its quotes: the form envelopes and tables have.</summary>
    public string BareAddressAt(int index) => FromOctets(Bare(_addresses[index].Inner));

    /// <param name="index">Which address.</param>
    /// <param name="address">The new one, in its written form.</param>
    public void Replace(int index, string address) => _addresses[index].Inner = new HeaderTokenizer(ToOctets(address), int.MaxValue).Read().First;

    /// <summary>The whole value anew: behind each comma a new line begins.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder();
        int start = 0;
        int addressLength = 0;
        HeaderToken? address = null;
        for (HeaderToken? token = _first; token is not null; token = token.Next)
        {
            if (token.Is(','))
            {
                Shorten(text, start, address, addressLength);
                text.Append(",\n");
                start = text.Length;
                address = null;
                addressLength = 0;
                continue;
            }
            int before = text.Length;
            if (token.Kind == HeaderTokenKind.Address)
            {
                address = token;
                text.Append(Quoted(Bare(token.Inner)));
                addressLength = text.Length - before;
            }
            else
                AppendToken(text, token);
            if (token.Is('<') && token.Next?.Is('>') == true)
            {
                address = token;
                addressLength = 0;
            }
            if (IsBlankAfter(token))
                text.Append(' ');
        }
        Shorten(text, start, address, addressLength);
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    private static void Shorten(StringBuilder text, int start, HeaderToken? address, int addressLength)
    {
        if (address is null || text.Length - addressLength <= start + MaximumAround)
            return;
        text.Length = start;
        text.Append('<').Append(address.Inner is null ? "" : Quoted(Bare(address.Inner))).Append('>');
    }

    private static void AppendTokens(StringBuilder text, HeaderToken? first)
    {
        for (HeaderToken? token = first; token is not null; token = token.Next)
        {
            AppendToken(text, token);
            if (IsBlankAfter(token))
                text.Append(' ');
        }
    }

    private static void AppendToken(StringBuilder text, HeaderToken token)
    {
        switch (token.Kind)
        {
            case HeaderTokenKind.Quoted:
                text.Append('"');
                AppendEscaped(text, token.Text, "\"\\\r\n");
                text.Append('"');
                break;
            case HeaderTokenKind.Literal:
                text.Append('[');
                AppendEscaped(text, token.Text, "\\\r\n");
                text.Append(']');
                break;
            case HeaderTokenKind.Operator:
                text.Append(token.Symbol);
                break;
            case HeaderTokenKind.GroupStart:
                text.Append(':');
                break;
            default:
                text.Append(token.Text);
                break;
        }
    }

    private static void AppendEscaped(StringBuilder text, string part, string escaped)
    {
        foreach (char c in part)
        {
            if (escaped.Contains(c, StringComparison.Ordinal))
                text.Append('\\');
            text.Append(c);
        }
    }

    private static bool IsBlankAfter(HeaderToken token)
    {
        if (token.Next is not { } next)
            return false;
        if (token.Is(',') || token.Kind == HeaderTokenKind.GroupStart || next.Is('<'))
            return true;
        return IsText(token) && IsText(next);
    }

    private static bool IsText(HeaderToken token) => token.IsWord || token.Kind is HeaderTokenKind.Comment or HeaderTokenKind.Address;

    private static string Bare(HeaderToken? first)
    {
        var text = new StringBuilder();
        for (HeaderToken? token = first; token is not null; token = token.Next)
        {
            if (token.Kind == HeaderTokenKind.Operator)
                text.Append(token.Symbol);
            else if (token.Kind == HeaderTokenKind.Literal)
                text.Append('[').Append(token.Text).Append(']');
            else
                text.Append(token.Text);
            if (IsBlankAfter(token))
                text.Append(' ');
        }
        return text.ToString();
    }

    /// <summary>Quotes a local part that is no dot-atom; octets beyond ASCII are left alone.</summary>
    private static string Quoted(string address)
    {
        int at = address.LastIndexOf('@');
        string local = at < 0 ? address : address[..at];
        if (IsDotString(local))
            return address;
        var text = new StringBuilder("\"");
        AppendEscaped(text, local, "\"\\\r");
        return text.Append('"').Append(at < 0 ? "" : address[at..]).ToString();
    }

    private static bool IsDotString(string local) =>
        local.Length > 0 && local[0] != '.' && local[^1] != '.' && !local.Contains("..", StringComparison.Ordinal)
        && !local.Any(c => c is <= ' ' or '\x7f' || "()<>@,;:\\\"[]".Contains(c, StringComparison.Ordinal));

    /// <summary>Octets that are UTF-8 become its characters; others stay one character each.</summary>
    private static string FromOctets(string octets)
    {
        if (Ascii.IsValid(octets))
            return octets;
        byte[] raw = Encoding.Latin1.GetBytes(octets);
        return System.Text.Unicode.Utf8.IsValid(raw) ? Encoding.UTF8.GetString(raw) : octets;
    }

    private static string ToOctets(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));
}
