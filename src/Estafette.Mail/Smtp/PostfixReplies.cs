using System.Globalization;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>The words of Postfix's smtpd(8) 3.7, which scripts and people match on; codes and enhanced codes are its own, too.</summary>
public sealed class PostfixReplies : Replies
{
    private readonly string _host;

    /// <param name="banner">What the greeting says; empty for the usual.</param>
    public PostfixReplies(string hostName, string banner)
        : base(ReplyStyle.Postfix, hostName)
    {
        _host = hostName;
        Greeting = new Reply(220, banner.Length > 0 ? banner : hostName + " ESMTP Postfix");
        Reset = Ok;
        RecipientOk = new Reply(250, "2.1.5 Ok");
        SenderOk = new Reply(250, "2.1.0 Ok");
        EnterMail = new Reply(354, "End data with <CR><LF>.<CR><LF>");
        Authenticated = new Reply(235, "2.7.0 Authentication successful");
    }

    public Reply SenderOk { get; }

    // The wrong command, or at the wrong time.
    public override Reply Unrecognized => Of(500, "5.5.2 Error: command not recognized");
    public override Reply NotAllowedNow => Of(503, "5.5.1 Error: bad sequence of commands");
    public override Reply NeedsTls => Of(530, "5.7.0 Must issue a STARTTLS command first");
    public override Reply ForeignProtocol => new Reply(221, "2.7.0 Error: I can break rules, too. Goodbye.").ThenClose();
    public Reply BadSyntax => Of(500, "5.5.2 Error: bad syntax");
    public Reply NotImplementedHere => Of(502, "5.5.1 Error: command not implemented");
    public Reply NeedsHello => Of(503, "5.5.1 Error: send HELO/EHLO first");
    public Reply NestedMail => Of(503, "5.5.1 Error: nested MAIL command");
    public Reply NeedsMail => Of(503, "5.5.1 Error: need MAIL command");
    public Reply NeedsRecipient => Of(503, "5.5.1 Error: need RCPT command");
    public override Reply NoRecipient => Of(554, "5.5.1 Error: no valid recipients");
    public Reply InTransaction => Of(503, "5.5.1 Error: MAIL transaction in progress");
    public Reply LoginsNotEnabled => Of(503, "5.5.1 Error: authentication not enabled");
    public Reply LoggedInAlready => Of(503, "5.5.1 Error: already authenticated");
    public Reply TlsActive => Of(554, "5.5.1 Error: TLS already active");
    public Reply VrfyDisabled => Of(502, "5.5.1 VRFY command is disabled");
    public Reply EarlyTalk => new Reply(554, "5.5.0 Error: SMTP protocol synchronization").ThenClose();
    public Reply DataAfterChunks => Of(503, "5.5.1 Error: DATA after BDAT");

    // The right command with the wrong arguments.
    public Reply MailSyntax => Of(501, "5.5.4 Syntax: MAIL FROM:<address>");
    public Reply RcptSyntax => Of(501, "5.5.4 Syntax: RCPT TO:<address>");
    public Reply BadSender => Of(501, "5.1.7 Bad sender address syntax");
    public Reply BadRecipient => Of(501, "5.1.3 Bad recipient address syntax");
    public Reply EtrnSyntax => Of(500, "Syntax: ETRN domain");
    public Reply EtrnBadDomain => Of(501, "Error: invalid parameter syntax");
    public Reply LoginSyntax => Of(501, "5.5.4 Syntax: AUTH mechanism");
    public override Reply LineTooLong => Of(500, "5.5.2 Error: line too long");
    public override Reply Controls => BadSyntax;
    public override Reply AuthSyntax => Of(501, "5.5.2 Error: bad authentication response");
    public override Reply AuthCancelled => Of(501, "5.7.0 Authentication aborted");
    public override Reply BadBdat => Of(501, "5.5.4 Syntax: BDAT count [LAST]");
    public Reply BadSize => Of(501, "5.5.4 Bad message size syntax");
    public Reply NoDsn => Of(501, "5.5.4 DSN support is disabled");
    public Reply LoginParameterDisabled => Of(503, "5.5.4 Error: authentication disabled");

    // Refusals of what was asked.
    public override Reply AuthFailed => Of(535, "5.7.8 Error: authentication failed: authentication failure");
    public override Reply AuthUnavailable => Of(454, "4.7.0 Temporary authentication failure: generic failure");
    public override Reply TlsUnavailable => Of(454, "4.7.0 TLS not available due to local problem");
    public override Reply TooManyRecipients => Of(452, "4.5.3 Error: too many recipients");
    public override Reply MessageTooBig => Of(552, "5.3.4 Message size exceeds fixed limit");
    public Reply SizeBeyondAll => Of(552, "5.3.4 Message size exceeds file system imposed limit");
    public override Reply MessageTooBigAtEnd => Of(552, "5.3.4 Error: message file too big");
    public override Reply HeaderTooBig => Of(552, "5.3.4 Error: message header too big");
    public override Reply Loop => Of(554, "5.4.0 Error: too many hops");

    // Trouble of ours, and limits.
    public override Reply TemporaryError => Of(451, "4.3.0 Error: queue file write error");
    public override Reply SpoolFull => Of(452, "4.3.1 Insufficient system storage");
    public override Reply SpoolUnhealthy => Of(451, "4.3.0 Error: queue file write error");
    public override Reply TooManyErrors => Unavailable(new(4, 7, 0), "Error: too many errors");
    public override Reply Timeout => Unavailable(new(4, 4, 2), "Error: timeout exceeded");
    public Reply TooManyConnections(string client) => Unavailable(new(4, 7, 0), "Error: too many connections from " + client);
    public Reply TlsTooOften(string client) => Unavailable(new(4, 7, 0), "Error: too many new TLS sessions from " + client);
    public Reply TooMuch(string what, string client) => Of(450, $"4.7.1 Error: too {what} from {client}");
    public Reply AccessDenied(string client) => Of(503, "5.7.0 Error: access denied for " + client);

    /// <param name="verb">HELO or EHLO.</param>
    public static Reply HelloSyntax(string verb) => Of(501, $"Syntax: {verb} hostname");

    public static Reply Syntax(string verb) => Of(501, "5.5.4 Syntax: " + verb);

    public static Reply Verified(string address) => Of(252, "2.0.0 " + address);

    public static Reply NoFlush(string domain) => Of(459, $"<{domain}>: service unavailable");

    public Reply Hello(ReadOnlySpan<string> keywords) => new(250, [_host, .. keywords]);

    public static Reply Unsupported(string option) => Of(555, "5.5.4 Unsupported option: " + option);

    public static Reply BadParameter(string name) => Of(501, $"5.5.4 Bad {name} parameter syntax");

    public override Reply Accepted(MessageId id) => Of(250, "2.0.0 Ok: queued as " + id);

    public override Reply ChunkTaken(long octets) => Of(250, string.Create(CultureInfo.InvariantCulture, $"2.0.0 Ok: {octets} bytes"));

    public override Reply UnknownMechanism(string mechanism) => Of(535, "5.7.8 Error: authentication failed: Invalid authentication mechanism");

    protected override Reply Unavailable(EnhancedStatus status, string text) => new Reply(421, $"{status} {_host} {text}").ThenClose();

    private static Reply Of(int code, string text) => new(code, text);
}
