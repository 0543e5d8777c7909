using System.Globalization;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>Whose wording the replies follow, so that people and scripts find the words they know (O18).</summary>
public enum ReplyStyle : byte
{
    OpenSmtpd,

    /// <summary>OpenSMTPD 6.0 and before: a colon after the enhanced status code of a plain answer.</summary>
    OpenSmtpdOld,
    Postfix,
}

/// <summary>
/// Every reply the server gives, in one place; each but the greeting, EHLO and 3xx carries an enhanced status code (RFC 2034). One instance a style and host name;
/// fixed replies are built once. A style with other words for nearly everything is a class of its own (<see cref="PostfixReplies"/>).
/// </summary>
public class Replies
{
    private readonly ReplyStyle _style;
    private readonly string _host;

    public Replies(ReplyStyle style, string hostName)
    {
        _style = style;
        _host = hostName;
        Greeting = new Reply(220, hostName + " ESMTP OpenSMTPD");
        Ok = Plain(250, new(2, 0, 0), "Ok");
        Reset = Plain(250, new(2, 0, 0), "Reset state");
        RecipientOk = new Reply(250, "2.1.5 Destination address valid: Recipient ok");
        EnterMail = new Reply(354, "Enter mail, end with \".\" on a line by itself");
        Bye = Plain(221, new(2, 0, 0), "Bye").ThenClose();
        ReadyForTls = Plain(220, new(2, 0, 0), "Ready to start TLS");
        Authenticated = Plain(235, new(2, 0, 0), "Authentication succeeded");
    }

    /// <summary>The replies of a style.</summary>
    public static Replies Of(ReplyStyle style, string hostName) => style == ReplyStyle.Postfix ? new PostfixReplies(hostName, "") : new Replies(style, hostName);

    public Reply Greeting { get; protected init; }
    public Reply Ok { get; protected init; }
    public Reply Reset { get; protected init; }
    public Reply RecipientOk { get; protected init; }
    public Reply EnterMail { get; protected init; }
    public Reply Bye { get; protected init; }
    public Reply ReadyForTls { get; protected init; }
    public Reply Authenticated { get; protected init; }

    // The wrong command, or at the wrong time.
    public virtual Reply Unrecognized => InvalidCommand(500, "Command unrecognized");
    public virtual Reply NotAllowedNow => InvalidCommand(503, "Command not allowed at this point.");
    public Reply NotImplemented => InvalidCommand(502, "Command not implemented");
    public Reply AlreadyIdentified => InvalidCommand(503, "Already identified");
    public Reply NotSupported => InvalidCommand(503, "Command not supported");
    public Reply AlreadySecured => InvalidCommand(503, "Channel already secured");
    public Reply AlreadyAuthenticated => InvalidCommand(503, "Already authenticated");
    public virtual Reply NeedsTls => InvalidCommand(530, "Must issue a STARTTLS command first");
    public Reply NeedsAuth => InvalidCommand(530, "Must issue an AUTH command first");
    public Reply Unsynchronized => Plain(503, new(5, 5, 0), "Wait for the answer before sending more").ThenClose();
    public virtual Reply ForeignProtocol => Plain(500, new(5, 7, 0), "This is a mail server").ThenClose();

    // The right command with the wrong arguments.
    public Reply NoArguments => InvalidArguments(500, "command does not accept arguments.");
    public Reply NoParameters => InvalidArguments(501, "No parameters given");
    public virtual Reply NoRecipient => InvalidArguments(503, "No recipient specified");
    public Reply InvalidDomain => InvalidArguments(501, "Invalid domain name");
    public virtual Reply BadBdat => InvalidArguments(501, "BDAT needs a size in octets and, for the last chunk, LAST");
    public Reply SenderSyntax => Plain(553, new(5, 1, 0), "Sender address syntax error");
    public Reply RecipientSyntax => Plain(501, new(5, 1, 3), "Recipient address syntax error");
    public virtual Reply LineTooLong => Plain(500, new(5, 5, 2), "Line too long");
    public virtual Reply Controls => Plain(500, new(5, 5, 2), "Control characters are not allowed in a command");
    public virtual Reply AuthSyntax => Plain(501, new(5, 5, 2), "Syntax error");
    public virtual Reply AuthCancelled => Plain(501, new(5, 7, 0), "Authentication cancelled");

    // Refusals of what was asked.
    public Reply SenderRejected => new(530, "5.7.1 Sender rejected");
    public virtual Reply AuthFailed => new(535, "5.7.8 Authentication failed");
    public virtual Reply AuthUnavailable => Plain(454, new(4, 7, 0), "Temporary authentication failure");
    public virtual Reply TlsUnavailable => Plain(454, new(4, 7, 0), "TLS not available");
    public virtual Reply TooManyRecipients => Plain(452, new(4, 5, 3), "Too many recipients");
    public Reply TooManyMessages => Plain(452, new(4, 5, 3), "Too many messages in this session");
    public virtual Reply MessageTooBig => Plain(552, new(5, 3, 4), "Message size exceeds fixed limit");
    public virtual Reply MessageTooBigAtEnd => Plain(554, new(5, 3, 4), "Message too big for system: Transaction failed, message too big");
    public virtual Reply HeaderTooBig => Plain(554, new(5, 3, 4), "Header of the message is too big");
    public Reply BrokenHeader => Plain(550, new(5, 7, 1), "Delivery not authorized, message refused: Message is not RFC 2822 compliant");
    public virtual Reply Loop => Plain(554, new(5, 4, 6), "Routing loop detected: too many Received fields");
    public Reply BareLineEnd => Plain(550, new(5, 5, 2), "Lines of a message must end in CR and LF").ThenClose();
    public Reply NulInMessage => Plain(550, new(5, 6, 0), "Message contains NUL characters");
    public Reply TextLineTooLong => Plain(550, new(5, 6, 0), "Message has a line that is too long");

    // Trouble of ours, and limits.
    public virtual Reply TemporaryError => Plain(451, new(4, 3, 0), "Temporary failure, please try again later");
    public virtual Reply SpoolFull => Plain(452, new(4, 3, 1), "Insufficient system storage");
    public virtual Reply SpoolUnhealthy => Plain(451, new(4, 3, 0), "Mail cannot be stored now");
    public Reply ShuttingDown => Unavailable(new(4, 3, 2), "Service shutting down");
    public Reply TooManySessions => Unavailable(new(4, 3, 2), "Too many sessions, please try again later");
    public Reply TooManySessionsOfClient => Unavailable(new(4, 7, 0), "Too many sessions from your address");
    public Reply NotServed => Unavailable(new(4, 3, 2), "Service not available");
    public virtual Reply TooManyErrors => Unavailable(new(4, 7, 0), "Too many errors");
    public Reply TooManyJunkCommands => Unavailable(new(4, 7, 0), "Too many commands without mail");
    public virtual Reply Timeout => Unavailable(new(4, 4, 2), "Timeout");
    public Reply TooSlow => Unavailable(new(4, 4, 2), "Too slow");
    public Reply SessionTooLong => Unavailable(new(4, 4, 2), "Session has lasted too long");

    /// <param name="client">The client's address as it stands in brackets; <c>local</c> for local submission.</param>
    public Reply Hello(string helo, string client) => new(250, HelloText(helo, client));

    /// <param name="keywords">The extensions, one line each (RFC 5321 s4.1.1.1).</param>
    public Reply Hello(string helo, string client, ReadOnlySpan<string> keywords) => new(250, [HelloText(helo, client), .. keywords]);

    public Reply NeedsDomain(string verb) => InvalidCommand(501, verb + " requires domain name");

    public virtual Reply Accepted(MessageId id) => Plain(250, new(2, 0, 0), id.Short + " Message accepted for delivery");

    public virtual Reply ChunkTaken(long octets) => Plain(250, new(2, 0, 0), string.Create(CultureInfo.InvariantCulture, $"{octets} octets received"));

    /// <summary>The reply is logged: what cannot be a mechanism's name is not repeated, for some clients send their password in its place (E54).</summary>
    public virtual Reply UnknownMechanism(string mechanism) =>
        new(504, $"5.5.4 Security features not supported: AUTH method {(IsMechanismName(mechanism) ? $"\"{mechanism}\" " : "")}not supported");

    /// <summary>RFC 4422 s3.1; in base64 there are nearly always both large and small letters.</summary>
    private static bool IsMechanismName(string name) =>
        name.Length <= 20 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && !(name.Any(char.IsAsciiLetterUpper) && name.Any(char.IsAsciiLetterLower));

    public Reply MailParameter(ParameterResult wrong) => wrong.Problem == ParameterProblem.Unsupported
        ? InvalidArguments(503, "Unsupported option " + wrong.Word)
        : InvalidArguments(501, "Bad value in option " + wrong.Word);

    public Reply RcptParameter(ParameterResult wrong) => wrong.Problem switch
    {
        ParameterProblem.Unsupported => new(503, "5.5.4 Unsupported option " + wrong.Word),
        ParameterProblem.Contradiction => new(553, "5.5.4 NOTIFY option NEVER cannot be combined with other options"),
        _ => new(501, "5.5.4 Bad value in option " + wrong.Word),
    };

    /// <summary>A recipient that routing refused, in routing's words.</summary>
    public static Reply RecipientRefused(int code, EnhancedStatus status, string text) => new(code, status.IsNone ? text : $"{status} {text}");

    public Reply Help() => new(214,
        Words(new(2, 0, 0), "This is Estafette, a mail server"),
        Words(new(2, 0, 0), "HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT"),
        Words(new(2, 0, 0), "End of HELP info"));

    /// <summary>RFC 5321 s3.5.3: nothing is said about who exists here.</summary>
    public Reply CannotVerify => Plain(252, new(2, 5, 0), "Cannot verify, but will take the message and try to deliver it");

    private string HelloText(string helo, string client) => $"{_host} Hello {helo} [{client}], pleased to meet you";

    protected virtual Reply Unavailable(EnhancedStatus status, string text) => new Reply(421, Words(status, $"{_host} {text}")).ThenClose();

    private Reply Plain(int code, EnhancedStatus status, string text) => new(code, Words(status, text));

    private static Reply InvalidCommand(int code, string text) => new(code, "5.5.1 Invalid command: " + text);

    private static Reply InvalidArguments(int code, string text) => new(code, "5.5.4 Invalid command arguments: " + text);

    private string Words(EnhancedStatus status, string text) => _style == ReplyStyle.OpenSmtpdOld ? $"{status}: {text}" : $"{status} {text}";
}
