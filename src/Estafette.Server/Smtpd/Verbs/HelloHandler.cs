using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Smtpd.Auth;

namespace Estafette.Smtpd.Verbs;

/// <summary>HELO and EHLO (RFC 5321 s4.1.1.1).</summary>
internal sealed class HelloHandler(SmtpVerb verb) : CommandHandler
{
    public override SmtpVerb Verb => verb;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        Replies replies = session.Replies;
        if (!session.Greeted)
            return replies.NotAllowedNow;
        if (session.Habits.OneHello && session.State.Helo.Length > 0)
            return replies.AlreadyIdentified;
        if (!command.HasArgument)
            return replies.NeedsDomain(verb == SmtpVerb.Helo ? "HELO" : "EHLO");
        return PathParser.TryDomain(command.Argument.Span, PathSyntax.None, out _) ? null : replies.InvalidDomain;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        PathParser.TryDomain(command.Argument.Span, PathSyntax.None, out string helo);
        FilterPhase phase = verb == SmtpVerb.Helo ? FilterPhase.Helo : FilterPhase.Ehlo;
        (CommandResult? refusal, string? rewritten) = await session.AskPolicyAsync(phase, session.Subject() with { Helo = helo }, cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        // RFC 5321 s4.1.4: a new greeting ends the transaction.
        await session.EndTransactionAsync();
        session.State.Helo = rewritten ?? helo;
        session.State.Esmtp = verb == SmtpVerb.Ehlo;
        string client = ClientText(session.Connection);
        return verb == SmtpVerb.Helo
            ? session.Replies.Hello(session.State.Helo, client)
            : session.Replies.Hello(session.State.Helo, client, Keywords(session, await AuthWordAsync(session, cancellationToken)));
    }

    private static string ClientText(ConnectionInfo connection)
    {
        if (connection.Remote is null)
            return "local";
        IPAddress address = connection.Remote.Address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6:" + address : address.ToString();
    }

    /// <summary>What AUTH offers this client here; null for nothing.</summary>
    private static async ValueTask<string?> AuthWordAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        if (!session.OffersAuth || session.State.Login is not null)
            return null;
        ImmutableArray<string> offered = await LoginSource.Of(session.Connection.Listener!, session.Services).MechanismsAsync(session.LoginContext(), cancellationToken);
        return offered.IsEmpty ? null : "AUTH " + string.Join(' ', offered);
    }

    private static string[] Keywords(SmtpSession session, string? auth)
    {
        LimitsConfig limits = session.Limits;
        string size = string.Create(CultureInfo.InvariantCulture, $"SIZE {limits.MessageSize}");
        // Local programs are shown what they have always been shown (O18); they need no more.
        if (session.Connection.IsLocal)
            return ["8BITMIME", "ENHANCEDSTATUSCODES", size, "HELP"];
        var words = new List<string>(12) { "8BITMIME", "ENHANCEDSTATUSCODES", size };
        if (session.Connection.Listener is { NoDsn: false })
            words.Add("DSN");
        if (session.OffersTls && session.State.Tls is null)
            words.Add("STARTTLS");
        if (auth is not null)
            words.Add(auth);
        AnnouncedExtensions announced = session.Services.Config.Announced;
        if (announced.HasFlag(AnnouncedExtensions.Pipelining))
            words.Add("PIPELINING");
        if (announced.HasFlag(AnnouncedExtensions.Chunking))
            words.Add("CHUNKING");
        if (announced.HasFlag(AnnouncedExtensions.SmtpUtf8))
            words.Add("SMTPUTF8");
        if (announced.HasFlag(AnnouncedExtensions.Limits))
            words.Add(string.Create(CultureInfo.InvariantCulture, $"LIMITS MAILMAX={limits.MessagesPerSession} RCPTMAX={limits.Recipients}"));
        words.Add("HELP");
        return [.. words];
    }
}
