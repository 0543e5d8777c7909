using System.Collections.Frozen;
using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Smtpd.Auth;
using Estafette.Smtpd.Verbs;

namespace Estafette.Smtpd.Postfix;

/// <summary>AUTH: the exchange itself is the same for all (E10). Whom it is offered, and by which mechanisms, is <c>smtpd_sasl_*</c>'s to say.</summary>
internal sealed class SmtpdAuthHandler : SmtpdHandler
{
    private static readonly AuthHandler s_exchange = new();

    public override SmtpVerb Verb => SmtpVerb.Auth;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        PostfixReplies words = Words(session);
        if (session.Smtpd!.Config.Dialog.HeloRequired && session.State.Helo.Length == 0)
            return words.NeedsHello;
        if (session.Connection.Listener is not { Auth: not ListenerAuth.None } listener || session.Smtpd.Discarded.Contains("AUTH"))
            return words.LoginsNotEnabled;
        if (session.State.Tls is null && !listener.AuthWithoutTls)
            return words.LoginsNotEnabled;
        if (session.Transaction is not null)
            return words.InTransaction;
        if (session.State.Login is not null)
            return words.LoggedInAlready;
        return command.HasArgument ? null : words.LoginSyntax;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        PostfixReplies words = Words(session);
        if (!await IsOfferedAsync(session, cancellationToken))
            return words.LoginsNotEnabled;
        if (!await ClientEvents.TakeAsync(session, ClientEvent.Login, cancellationToken))
            return words.TooMuch("many AUTH commands", session.Connection.Remote!.Address.ToString());
        CommandResult result = await s_exchange.ActAsync(session, command, cancellationToken);
        if (session.State.Login is { } login && session.Smtpd!.Config.Logins.LocalDomain is { Length: > 0 } domain && !login.Contains('@', StringComparison.Ordinal))
            session.State.Login = $"{login}@{domain}";
        return result;
    }

    /// <summary>Not to those in <c>smtpd_sasl_exceptions_networks</c>; a table that cannot be read makes no exception.</summary>
    public static async ValueTask<bool> IsOfferedAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        if (!session.OffersAuth || session.Connection.Remote is not { } remote)
            return false;
        MatchList exceptions = session.Smtpd!.Config.Logins.Exceptions;
        return exceptions.IsEmpty || !(await Tables.ListMatching.MatchAddressAsync(session.Services.Tables, exceptions, remote.Address, cancellationToken)).IsMatch;
    }

    /// <summary>What the source of logins has, without what the security options forbid here.</summary>
    public static async ValueTask<ImmutableArray<string>> MechanismsAsync(SmtpSession session, CancellationToken cancellationToken) =>
        Allowed(session, await LoginSource.Of(session.Connection.Listener!, session.Services).MechanismsAsync(session.LoginContext(), cancellationToken));

    public static ImmutableArray<string> Allowed(SmtpSession session, ImmutableArray<string> mechanisms)
    {
        if (session.Smtpd is not { } smtpd)
            return mechanisms;
        FrozenSet<string> forbidden = session.State.Tls is null ? smtpd.Config.Logins.Forbidden : smtpd.Config.Logins.ForbiddenWithTls;
        return forbidden.Count == 0 ? mechanisms : [.. mechanisms.Where(m => !forbidden.Contains(m))];
    }
}
