using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Smtpd;

/// <summary>
/// What differs between the dialects in how commands are taken and answered. Codes follow the original where it is neither unsafe nor in the way of a standard
/// that users feel; that is why VRFY and EXPN, which OpenSMTPD does not know, are unknown commands there.
/// </summary>
internal sealed record Habits
{
    public required ReplyStyle Replies { get; init; }
    public required TraceStyle Trace { get; init; }

    /// <summary>Forms of addresses taken from strangers.</summary>
    public required PathSyntax StrangerPaths { get; init; }

    /// <summary>Forms taken from our own users: never less than RFC 5321 has.</summary>
    public required PathSyntax OwnPaths { get; init; }

    /// <summary>VRFY is answered (252) instead of unknown; RFC 5321 s3.5.3.</summary>
    public bool KnowsVrfy { get; init; }

    /// <summary>HELO and EHLO a second time are refused.</summary>
    public bool OneHello { get; init; }

    /// <summary>RSET is refused before HELO.</summary>
    public bool RsetNeedsHello { get; init; }

    /// <summary>NOOP with an argument is refused.</summary>
    public bool BareNoop { get; init; }

    /// <summary>A client that does not wait for the answer to DATA or AUTH is hung up on (E7, RFC 2920 s3.1).</summary>
    public bool Synchronous { get; init; }

    /// <summary>A header with a line that is no field, and no empty line before it, makes the message unacceptable (RFC 5322 s2.1).</summary>
    public bool StrictHeader { get; init; }

    public static Habits Of(Dialect dialect) => dialect switch
    {
        Dialect.OpenSmtpd => OpenSmtpd,
        Dialect.OpenSmtpdOld => OpenSmtpd with { Replies = ReplyStyle.OpenSmtpdOld, Trace = TraceStyle.OpenSmtpdOld, BareNoop = false },
        Dialect.Postfix => Postfix,
        _ => Others,
    };

    private static Habits OpenSmtpd { get; } = new()
    {
        Replies = ReplyStyle.OpenSmtpd,
        Trace = TraceStyle.OpenSmtpd,
        StrangerPaths = PathSyntax.EmptyDomain,
        OwnPaths = PathSyntax.EmptyDomain | PathSyntax.QuotedLocalPart,
        OneHello = true,
        RsetNeedsHello = true,
        BareNoop = true,
        Synchronous = true,
        StrictHeader = true,
    };

    /// <summary>Postfix's verbs have handlers of their own, which read addresses by themselves.</summary>
    private static Habits Postfix { get; } = new()
    {
        Replies = ReplyStyle.Postfix,
        Trace = TraceStyle.Postfix,
        StrangerPaths = PathSyntax.Rfc5321 | PathSyntax.LooseDots,
        OwnPaths = PathSyntax.Rfc5321 | PathSyntax.LooseDots,
        KnowsVrfy = true,
    };

    private static Habits Others { get; } = new()
    {
        Replies = ReplyStyle.OpenSmtpd,
        Trace = TraceStyle.Postfix,
        StrangerPaths = PathSyntax.Rfc5321 | PathSyntax.BareAddress | PathSyntax.TrailingDot | PathSyntax.LooseDots,
        OwnPaths = PathSyntax.Rfc5321 | PathSyntax.BareAddress | PathSyntax.TrailingDot | PathSyntax.LooseDots,
        KnowsVrfy = true,
    };
}
