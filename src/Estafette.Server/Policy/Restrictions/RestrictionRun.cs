using System.Globalization;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>What one restriction says.</summary>
internal enum Outcome : byte
{
    /// <summary>Nothing: ask the next.</summary>
    Dunno,

    /// <summary>This list is done.</summary>
    Permit,

    /// <summary>Refused; <see cref="RestrictionRun.Refusal"/> has the words.</summary>
    Reject,
}

/// <summary>Whom a refusal is about: the two words before its text.</summary>
/// <param name="Name">In angle brackets.</param>
/// <param name="Class">Such as <c>Sender address</c>.</param>
internal readonly record struct ReplyAbout(string Name, string Class)
{
    public const string ClientHost = "Client host";
    public const string UnverifiedClientHost = "Unverified Client host";
    public const string HeloCommand = "Helo command";
    public const string SenderAddress = "Sender address";
    public const string RecipientAddress = "Recipient address";
    public const string EtrnCommand = "Etrn command";
    public const string DataCommand = "Data command";
    public const string EndOfData = "End-of-data";
    public const string Certificate = "Client certificate";
    public const string SaslUser = "SASL login name";

    /// <summary><c>&lt;x&gt;: Sender address rejected: text</c>.</summary>
    public string Rejected(string text) => $"<{Name}>: {Class} rejected: {text}";

    public override string ToString() => $"<{Name}>: {Class}";
}

/// <summary>
/// One evaluation of the lists of a stage: what they look at, what was put off until the end (defer_if_permit, defer_if_reject), and what they said. Every refusal passes through
/// <see cref="Refuse"/>, which knows warn_if_reject and the deferrals (postconf(5), access(5)).
/// </summary>
internal sealed class RestrictionRun(RestrictionFacts facts, SmtpdConfig config)
{
    private readonly List<MessageAction> _actions = [];
    private RestrictionRefusal? _deferIfReject;
    private Restriction? _current;
    private int _warnDepth;

    public RestrictionFacts Facts { get; set; } = facts;
    public SmtpdConfig Config => config;
    public RestrictionRefusal? Refusal { get; private set; }

    /// <summary>What a permission becomes.</summary>
    public RestrictionRefusal? DeferIfPermit { get; set; }
    public IReadOnlyList<MessageAction> Actions => _actions;

    /// <summary>Access tables said DISCARD.</summary>
    public bool Discards { get; set; }

    /// <summary>Whether the recipient exists was asked already.</summary>
    public bool RecipientChecked { get; set; }
    public bool SenderChecked { get; set; }

    /// <summary>How the stage names itself in refusals.</summary>
    public ReplyAbout About { get; set; }

    /// <summary>The restriction that is being asked, which a refusal names as its rule; one found in a table is told as the restriction that asked the table.</summary>
    public Restriction? Current => _current;

    /// <summary>The standing of addresses, asked once in a run.</summary>
    public Dictionary<MailAddress, AddressStanding> Standings { get; } = [];

    public void BeginStage(ReplyAbout about)
    {
        About = about;
        Refusal = null;
        _deferIfReject = null;
        _warnDepth = 0;
    }

    /// <summary>Enters a restriction; what is returned goes to <see cref="Leave"/>.</summary>
    public Restriction? Enter(Restriction restriction)
    {
        Restriction? outer = _current;
        _current = restriction;
        if (restriction.WarnOnly)
            _warnDepth++;
        return outer;
    }

    public void Leave(Restriction? outer)
    {
        if (_current is { WarnOnly: true })
            _warnDepth--;
        _current = outer;
    }

    /// <summary>The text after the rule's own words: <c>&lt;x&gt;: Sender address rejected: text</c>.</summary>
    public Outcome Refuse(int code, EnhancedStatus status, ReplyAbout about, string text) => Refuse(code, status, about.Rejected(text));

    public Outcome Refuse(int code, EnhancedStatus status, string text)
    {
        RestrictionRefusal refusal = New(code, status, text);
        if (_warnDepth > 0)
        {
            Note(MessageActionKind.RejectWarning, refusal.ToString(), About);
            return Outcome.Dunno;
        }
        // An earlier trouble may have kept us from accepting: say that for now, not "never".
        Refusal = refusal.Code >= 500 && _deferIfReject is { } earlier ? earlier : refusal;
        return Outcome.Reject;
    }

    /// <summary>Refuses for now where all other restrictions would permit; the first who says so gives the words.</summary>
    public Outcome PutOffPermission(int code, EnhancedStatus status, string text, TempfailAction action = TempfailAction.DeferIfPermit)
    {
        if (_warnDepth > 0 || action == TempfailAction.Defer)
            return Refuse(code, status, text);
        DeferIfPermit ??= New(code, status, text);
        return Outcome.Dunno;
    }

    /// <summary>Refuses for now where a later restriction would refuse for good.</summary>
    public Outcome PutOffRefusal(int code, EnhancedStatus status, string text)
    {
        _deferIfReject ??= New(code, status, text);
        return Outcome.Dunno;
    }

    /// <summary>The deferral that stands is the answer.</summary>
    public void RefuseInstead(RestrictionRefusal refusal) => Refusal = refusal;

    public void Note(MessageActionKind kind, string text, ReplyAbout about) =>
        _actions.Add(new MessageAction(kind, text, about.ToString(), _current?.At ?? SourceSpan.None));

    /// <summary>A temporary trouble of ours (E44).</summary>
    public Outcome LookupFailed(string name) => Refuse(451, new EnhancedStatus(4, 3, 0), $"<{name}>: Temporary lookup failure");

    public Outcome ConfigurationFailed() => Refuse(451, new EnhancedStatus(4, 3, 5), "Server configuration error");

    private RestrictionRefusal New(int code, EnhancedStatus status, string text)
    {
        byte kind = (byte)(code / 100);
        string footer = config.RejectFooter.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {config.RejectFooter}");
        return new RestrictionRefusal(code, status with { Class = kind }, text + footer, _current?.At ?? SourceSpan.None);
    }
}
