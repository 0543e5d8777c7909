using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Promise 2 and E52: a rule that would relay mail of strangers to anywhere is refused with its line, unless it says <c>open-relay</c>. What a stranger
/// can choose (HELO, sender, his own reverse name, TLS) restricts nothing; a login, an address, a client certificate, and the tag of a listener
/// that asks for one of them or is bound to loopback do. Where every listener is on loopback there are no strangers: a warning.
/// </summary>
internal sealed class OpenRelayCheck(
    LoweringContext context, TableLowering tables, ListenLowering listening, ImmutableDictionary<string, ActionConfig> actions)
{
    /// <summary>A stranger, one of each family, and a domain that nobody serves (RFC 5737, RFC 3849, RFC 2606): what patterns are tried on.</summary>
    private static readonly string[] Strangers = ["203.0.113.77", "2001:db8::77"];
    private const string StrangeDomain = "stranger.example";

    private readonly ImmutableArray<ListenerConfig> _listeners = listening.Listeners;

    public void Check(ImmutableArray<RuleConfig> rules, IReadOnlySet<SourceSpan> allowed)
    {
        bool loopbackOnly = !listening.Incomplete && _listeners.All(Loopback);
        foreach (RuleConfig rule in rules)
        {
            bool everybody = rule.Criteria.All(AdmitsStrangers) && !rule.Criteria.Any(Narrows);
            bool everywhere = rule.Criteria.All(AdmitsAnyDomain);
            if (rule.Action is null)
            {
                // Strangers do not come past a rule that refuses all of theirs.
                if (everybody && everywhere && !rule.Criteria.Any(IsSaidByClient))
                    return;
                continue;
            }
            if (!rule.Criteria.All(AdmitsStrangers) || !everywhere || !Relays(rule.Action))
                continue;
            if (allowed.Contains(rule.At))
                context.Findings.Warning(rule.At, "this rule relays mail of anybody to anywhere, as it says (`open-relay`)");
            else if (loopbackOnly)
                context.Findings.Warning(rule.At, "this rule relays mail of anybody to anywhere; only the loopback listeners keep strangers out", Cure);
            else
                context.Findings.Error(rule.At, "this rule makes an open relay: it takes mail of anybody for anywhere", Cure);
        }
    }

    private string Cure => context.OldGrammar
        ? "write `accept from local for any relay` (clients that log in count as local), name the domains with `for domain`, or name the clients with `from source`; if strangers really may relay, add `open-relay`"
        : "write `match from local for any ...` or `match from auth for any ...`, name the domains with `for domain`, or name the clients with `from src`; if strangers really may relay, add `open-relay`";

    private bool Relays(string action) =>
        actions.GetValueOrDefault(action) is ActionConfig.Relay relay && !(relay.Hosts.Length > 0 && relay.Hosts.All(h => h.Protocol == RelayProtocol.Lmtp));

    /// <summary>True where the criterion lets a stranger through, whatever he must say for it.</summary>
    private bool AdmitsStrangers(Criterion criterion) => criterion.Kind switch
    {
        CriterionKind.FromAny => !criterion.Negated,
        CriterionKind.FromLocal or CriterionKind.FromSocket => criterion.Negated,
        CriterionKind.FromSource => criterion.Negated || HoldsStrangers(criterion.Values),
        CriterionKind.FromAuth or CriterionKind.Auth or CriterionKind.TlsCertificate or CriterionKind.TlsAnchor => criterion.Negated,
        CriterionKind.FromRdns => criterion.Negated || criterion.Values is null || HoldsDomain(criterion.Values),
        CriterionKind.Tag => criterion.Negated || criterion.Values is not { } tags || AnyOpenTag(tags),
        _ => true,
    };

    /// <summary>True where strangers are let through, but not all of them.</summary>
    private static bool Narrows(Criterion criterion) =>
        criterion.Kind is CriterionKind.FromSource or CriterionKind.FromRdns or CriterionKind.Tag or CriterionKind.FromMailFrom or CriterionKind.FromAuth or CriterionKind.Auth
            or CriterionKind.TlsCertificate or CriterionKind.TlsAnchor;

    private static bool IsSaidByClient(Criterion criterion) =>
        criterion.Kind is CriterionKind.Helo or CriterionKind.MailFrom or CriterionKind.Tls;

    private bool AdmitsAnyDomain(Criterion criterion) => criterion.Kind switch
    {
        CriterionKind.ForAny => !criterion.Negated,
        CriterionKind.ForLocal => criterion.Negated,
        CriterionKind.ForDomain => criterion.Negated || HoldsDomain(criterion.Values!),
        CriterionKind.ForRcptTo => criterion.Negated || HoldsRecipient(criterion.Values!),
        _ => true,
    };

    private bool AnyOpenTag(ValueList tags)
    {
        if (tables.Rows(tags.Table) is not { } rows)
            return true;
        return _listeners.Any(l => rows.Any(r => tags.Regex ? Matches(r.Key, l.Tag) : string.Equals(r.Key, l.Tag, StringComparison.OrdinalIgnoreCase)) && !Restricted(l));
    }

    private static bool Loopback(ListenerConfig listener) => IPAddress.IsLoopback(listener.EndPoint.Address) && !listener.ProxyProtocol;

    /// <summary>A certificate restricts only where an anchor is named: one that some public authority signed, a stranger can get.</summary>
    private static bool Restricted(ListenerConfig listener) =>
        Loopback(listener) || listener.Auth == ListenerAuth.Required
        || (listener is { ClientCertificate: ClientCertificateDemand.Require, ClientAnchors.IsEmpty: false } && listener.Tls is ListenerTls.Require or ListenerTls.Implicit);

    private bool HoldsStrangers(ValueList? values)
    {
        if (values is null || tables.Rows(values.Table) is not { } rows)
            return false;
        return rows.Any(r => values.Regex ? Strangers.Any(s => Matches(r.Key, s)) : Network.Parse(r.Key) is { IsPublicWide: true });
    }

    private bool HoldsDomain(ValueList values) =>
        tables.Rows(values.Table) is { } rows && rows.Any(r => values.Regex ? Matches(r.Key, StrangeDomain) : r.Key is "*" or "*.*" or ".");

    private bool HoldsRecipient(ValueList values) =>
        tables.Rows(values.Table) is { } rows && rows.Any(r => values.Regex ? Matches(r.Key, "anybody@" + StrangeDomain) : r.Key is "*" or "@*" or "*@*" or "@");

    private static bool Matches(string pattern, string text) => ValueCheck.Compile(pattern).Pattern is { } regex && regex.IsMatch(text);
}
