using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Rules about certificates of clients that can never hold: an anchor nobody declared is an error; one that no listener verifies by, or certificates that no listener
/// asks for, a warning.
/// </summary>
internal sealed class CertificateRuleCheck(LoweringContext context, TableLowering tables, ListenLowering listening, IdentityLowering identities)
{
    public void Check(ImmutableArray<RuleConfig> rules)
    {
        foreach (RuleConfig rule in rules)
        {
            foreach (Criterion criterion in rule.Criteria)
                Check(rule, criterion);
        }
    }

    private void Check(RuleConfig rule, Criterion criterion)
    {
        if (criterion.Kind is not (CriterionKind.TlsCertificate or CriterionKind.TlsAnchor))
            return;
        ImmutableArray<ListenerConfig> asking = [.. listening.Listeners.Where(l => l.ClientCertificate != ClientCertificateDemand.None)];
        if (asking.IsEmpty && !listening.Incomplete)
        {
            context.Findings.Warning(rule.At, "this rule looks at certificates of clients, and no listener asks for any",
                "write `verify optional` behind `tls`, `tls-require` or `smtps` in the line of a listener");
        }
        if (criterion.Kind != CriterionKind.TlsAnchor || criterion.Values is not { Regex: false } values || tables.Rows(values.Table) is not { } rows)
            return;
        foreach ((string name, _) in rows)
        {
            string? anchor = identities.UseAnchor(new Item.Text(name, false, rule.At));
            if (anchor is not null && !asking.IsEmpty && !asking.Any(l => l.ClientAnchors.Contains(anchor)))
                context.Findings.Warning(rule.At, "no listener verifies certificates by `ca " + name + "`", "add `ca " + name + "` to the line of the listener");
        }
    }
}
