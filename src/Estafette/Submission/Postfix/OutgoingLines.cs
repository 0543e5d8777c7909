using System.Text;
using Estafette.Mail;

namespace Estafette.Program.Submission.Postfix;

/// <summary>
/// What sendmail(1) does to a message while it reads it: "From " lines of mailboxes on top go, carriage returns before a line's end go, a lone dot ends it where the caller did not say
/// <c>-i</c>, and with <c>-t</c> recipients are gathered from the header, which is otherwise left alone. The rest is cleanup's work.
/// </summary>
internal sealed class OutgoingLines
{
    private readonly bool _endsAtDot;
    private readonly ContentScanner? _scanner;
    private readonly int _headerLimit;
    private readonly List<string> _recipients = [];
    private readonly List<string> _resentRecipients = [];
    private bool _isResent;
    private bool _atLineStart = true;
    private bool _atTop = true;

    /// <param name="extractsRecipients"><c>-t</c>.</param>
    /// <param name="headerLimit"><c>header_size_limit</c>.</param>
    public OutgoingLines(bool endsAtDot, bool extractsRecipients, int headerLimit)
    {
        _endsAtDot = endsAtDot;
        _headerLimit = headerLimit;
        _scanner = extractsRecipients ? new ContentScanner(new ContentLimits(headerLimit, 0, 0), followsMime: false, ContentProblems.None, (_, _) => { }) : null;
    }

    /// <summary>A field was too large to be looked at as a whole.</summary>
    public bool HeaderTooLarge { get; private set; }

    /// <summary>The recipients of the header: those of its Resent fields where it has some (RFC 5322 s3.6.6).</summary>
    public IReadOnlyList<string> Recipients => _isResent ? _resentRecipients : _recipients;

    public ReadOnlyMemory<byte>? Take(ReadOnlyMemory<byte> piece)
    {
        bool starts = _atLineStart;
        bool ends = piece.Span[^1] == '\n';
        _atLineStart = ends;
        ReadOnlySpan<byte> text = piece.Span.TrimEnd("\n"u8);
        if (_atTop && ends && text.TrimStart((byte)'>').StartsWith("From "u8))
            return ReadOnlyMemory<byte>.Empty;
        _atTop = false;
        if (ends)
            text = text.TrimEnd((byte)'\r');
        if (_endsAtDot && starts && text.SequenceEqual("."u8))
            return null;
        Look(text, ends);
        if (text.Length == piece.Length || (ends && text.Length == piece.Length - 1))
            return piece;
        return (byte[])[.. text, (byte)'\n'];
    }

    /// <summary>The message has no more lines.</summary>
    public void Complete()
    {
        if (_scanner is not null && _scanner.Finish().HasFlag(ContentEvents.Field))
            Extract();
    }

    private void Look(ReadOnlySpan<byte> text, bool ends)
    {
        if (_scanner is null || _scanner.Place == ContentPlace.Body)
            return;
        if (_scanner.Take(text, ends).HasFlag(ContentEvents.Field))
            Extract();
    }

    private void Extract()
    {
        ReadOnlySpan<byte> field = _scanner!.Field.Span;
        HeaderTooLarge |= field.Length > _headerLimit;
        int colon = field.IndexOf((byte)':');
        FieldTraits traits = FieldTable.Of(field[..colon]);
        if (!traits.HasFlag(FieldTraits.Extracted))
            return;
        bool resent = traits.HasFlag(FieldTraits.Resent);
        _isResent |= resent;
        (resent ? _resentRecipients : _recipients).AddRange(AddressesIn(field[(colon + 1)..]));
    }

    /// <summary>Addresses as they are written in a list, quotes included; what would not be one path is quoted.</summary>
    public static IEnumerable<string> AddressesIn(ReadOnlySpan<byte> text)
    {
        AddressField list = AddressField.Parse(text, int.MaxValue);
        var addresses = new List<string>();
        for (int i = 0; i < Math.Min(list.Count, AddressList.MaximumAddresses); i++)
            addresses.Add(PathOf(list.AddressAt(i), list.BareAddressAt(i)));
        return addresses;
    }

    public static IEnumerable<string> AddressesIn(string text) => AddressesIn(Encoding.UTF8.GetBytes(text));

    private static string PathOf(string written, string bare)
    {
        // A route of old: blanks behind its commas are ours.
        if (written.StartsWith('@'))
            return written.Replace(" ", "", StringComparison.Ordinal);
        if (!written.AsSpan().ContainsAny(' ', '<', '>') || written.StartsWith('"'))
            return written;
        int at = bare.LastIndexOf('@');
        return new MailAddress(at < 0 ? bare : bare[..at], at < 0 ? "" : bare[(at + 1)..]).ToString();
    }
}
