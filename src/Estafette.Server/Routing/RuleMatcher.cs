using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>Which rule takes an address.</summary>
internal abstract record RuleVerdict
{
    private RuleVerdict() { }

    public sealed record Matched(RuleConfig Rule) : RuleVerdict;

    public sealed record None : RuleVerdict
    {
        public static None Instance { get; } = new();
    }

    /// <summary>A table that decides could not be read: neither "yes" nor "no", and no later rule may take the mail instead (E44).</summary>
    public sealed record Unavailable(RuleConfig Rule, string Reason) : RuleVerdict;
}

/// <summary>
/// Tries the rules in order; the first whose criteria all hold wins. An address that expansion made is matched as coming from this machine,
/// whoever sent the message: a user's forwarding must work for mail from strangers, and a rule for a client's name or address cannot be meant.
/// </summary>
internal sealed class RuleMatcher(MailConfig config, TableSet tables, LocalAddresses localAddresses, EventSink events)
{
    private const string LocalKey = "local";

    private enum Answer : byte
    {
        No,
        Yes,

        /// <summary>The rule is not for such clients, negated or not.</summary>
        Never,
        Unavailable,
    }

    /// <summary>
    /// The new grammar of OpenSMTPD knows authenticated clients only where a rule says <c>auth</c>; in the other languages they count as local (O24).
    /// </summary>
    private readonly bool _authenticatedIsLocal = config.Dialect != Dialect.OpenSmtpd;

    public async ValueTask<RuleVerdict> MatchAsync(RouteQuery query, MailAddress recipient, bool expanded, CancellationToken cancellationToken)
    {
        foreach (RuleConfig rule in config.Rules)
        {
            bool all = true;
            foreach (Criterion criterion in rule.Criteria)
            {
                (Answer answer, string reason) = await HoldsAsync(criterion, query, recipient, expanded, cancellationToken);
                if (answer == Answer.Unavailable)
                    return new RuleVerdict.Unavailable(rule, reason);
                all = answer != Answer.Never && (answer == Answer.Yes) != criterion.Negated;
                if (!all)
                    break;
            }
            if (all)
                return new RuleVerdict.Matched(rule);
        }
        return RuleVerdict.None.Instance;
    }

    /// <summary>True for local submission, own addresses and, by language, authenticated clients.</summary>
    public bool IsLocalClient(ClientInfo client) =>
        client.Address is null || localAddresses.Contains(client.Address) || (_authenticatedIsLocal && client.Login is not null);

    private async ValueTask<(Answer Answer, string Reason)> HoldsAsync(
        Criterion criterion, RouteQuery query, MailAddress recipient, bool expanded, CancellationToken cancellationToken)
    {
        ClientInfo client = query.Client;
        return criterion.Kind switch
        {
            CriterionKind.FromAny or CriterionKind.ForAny => Plain(true),
            CriterionKind.FromLocal => Plain(expanded || IsLocalClient(client)),
            CriterionKind.FromSocket => expanded ? (Answer.Never, "") : Plain(client.IsLocal),
            CriterionKind.FromSource => await MatchAsync(criterion, TableMatch.Network, expanded ? LocalKey : SourceKey(client), cancellationToken),
            CriterionKind.FromRdns => await ReverseNameAsync(criterion, client, expanded, cancellationToken),
            CriterionKind.FromAuth or CriterionKind.Auth => await LoginAsync(criterion, client, cancellationToken),
            CriterionKind.FromMailFrom or CriterionKind.MailFrom => await MatchAsync(criterion, TableMatch.MailAddress, Text(query.ReversePath), cancellationToken),
            CriterionKind.Tag => await MatchAsync(criterion, TableMatch.Exact, client.Tag, cancellationToken),
            CriterionKind.Helo => await MatchAsync(criterion, TableMatch.Domain, client.Helo, cancellationToken),
            CriterionKind.Tls => Plain(query.Tls),
            CriterionKind.TlsCertificate => await FingerprintAsync(criterion, query.ClientCertificate, cancellationToken),
            CriterionKind.TlsAnchor => query.ClientCertificate is { IsVerified: true, Anchor.Length: > 0 } verified
                ? await MatchAsync(criterion, TableMatch.Exact, verified.Anchor, cancellationToken) : Plain(false),
            CriterionKind.ForLocal => Plain(IsOwnName(recipient.Domain)),
            CriterionKind.ForDomain => await MatchAsync(criterion, TableMatch.Domain, recipient.Domain, cancellationToken),
            CriterionKind.ForRcptTo => await MatchAsync(criterion, TableMatch.MailAddress, Text(recipient), cancellationToken),
            _ => throw new InvalidOperationException($"unknown criterion {criterion.Kind}"),
        };
    }

    private async ValueTask<(Answer Answer, string Reason)> MatchAsync(Criterion criterion, TableMatch match, string key, CancellationToken cancellationToken)
    {
        if (criterion.Values is not { } values)
            return Plain(true);
        TableAnswer answer = await tables.MatchAsync(values.Table, values.Regex ? TableMatch.Regex : match, key, cancellationToken);
        if (events.Traces("lookup"))
            events.Trace("lookup", $"lookup: match \"{key}\" in table {values.Table} -> {answer.GetType().Name}");
        return answer switch
        {
            TableAnswer.Found => (Answer.Yes, ""),
            TableAnswer.Unavailable unavailable => (Answer.Unavailable, unavailable.Reason),
            _ => (Answer.No, ""),
        };
    }

    private async ValueTask<(Answer Answer, string Reason)> ReverseNameAsync(
        Criterion criterion, ClientInfo client, bool expanded, CancellationToken cancellationToken)
    {
        bool listed = criterion.Values is not null;
        if (expanded && !listed)
            return (Answer.Never, "");
        if (!listed)
            return Plain(client.HostName is not null);
        string? key = expanded ? LocalKey : client.HostName;
        return key is null ? (Answer.Never, "") : await MatchAsync(criterion, TableMatch.Domain, key, cancellationToken);
    }

    /// <summary>Local submitters count as authenticated, by the kernel, but have no login to be listed.</summary>
    private async ValueTask<(Answer Answer, string Reason)> LoginAsync(Criterion criterion, ClientInfo client, CancellationToken cancellationToken)
    {
        if (criterion.Values is null)
            return Plain(client.IsLocal || client.Login is not null);
        if (client.Login is not { } login)
            return Plain(false);
        return await MatchAsync(criterion, login.Contains('@', StringComparison.Ordinal) ? TableMatch.MailAddress : TableMatch.Exact, login, cancellationToken);
    }

    /// <summary>The certificate's fingerprint or its key's, with colons or without.</summary>
    private async ValueTask<(Answer Answer, string Reason)> FingerprintAsync(Criterion criterion, ClientCertificate? shown, CancellationToken cancellationToken)
    {
        if (shown is null)
            return Plain(false);
        foreach (string digits in (string[])[shown.Fingerprint, shown.KeyFingerprint])
        {
            foreach (string spelling in (string[])[digits, string.Join(':', digits.Chunk(2).Select(pair => new string(pair)))])
            {
                (Answer answer, string reason) = await MatchAsync(criterion, TableMatch.Exact, spelling, cancellationToken);
                if (answer != Answer.No)
                    return (answer, reason);
            }
        }
        return Plain(false);
    }

    private bool IsOwnName(string domain) =>
        domain.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || domain.Equals(config.HostName, StringComparison.OrdinalIgnoreCase)
        || localAddresses.ContainsLiteral(domain);

    private static string SourceKey(ClientInfo client) => client.Address is { } address ? NetworkPrefix.Canonical(address).ToString() : LocalKey;

    /// <summary>The semantic form, unquoted; the null path is <c>@</c>.</summary>
    private static string Text(MailAddress address) => address.LocalPart + "@" + address.Domain;

    private static (Answer Answer, string Reason) Plain(bool holds) => (holds ? Answer.Yes : Answer.No, "");
}
