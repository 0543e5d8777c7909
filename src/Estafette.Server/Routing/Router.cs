using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>
/// Answers "who gets mail for this address, and how?" for one configuration snapshot: rule match, then expansion. Each answer is a value
/// with the rule it rests on; whatever cannot be known now is a temporary refusal, never a guess (E44).
/// </summary>
public sealed class Router
{
    private readonly ExpansionRules _rules;
    private readonly string _hostName;

    public Router(MailConfig config, TableSet tables, IUserDatabase users, IForwardFiles forwards, EventSink events, LocalAddresses localAddresses)
    {
        _rules = new ExpansionRules(config, tables, users, forwards, events, localAddresses);
        _hostName = config.HostName;
    }

    /// <summary>Resolves one RCPT. An address without a domain belongs to this server (RFC 5321 s4.1.1.3, <c>postmaster</c>).</summary>
    public ValueTask<RouteResult> ResolveAsync(RouteQuery query, CancellationToken cancellationToken)
    {
        MailAddress recipient = query.Recipient.Domain.Length > 0 ? query.Recipient : query.Recipient with { Domain = _hostName };
        return new Expansion(_rules, query, recipient).RunAsync(cancellationToken);
    }
}
