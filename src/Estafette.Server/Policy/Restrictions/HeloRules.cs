using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>The restrictions about the name in HELO and EHLO: its form, and whether the DNS knows it.</summary>
internal sealed class HeloRules(Resolver dns)
{
    private static readonly EnhancedStatus s_syntax = new(5, 5, 2);

    public async ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, CancellationToken cancellationToken)
    {
        if (run.Facts.Helo is not { } helo)
            return Outcome.Dunno;
        var about = new ReplyAbout(helo, ReplyAbout.HeloCommand);
        if (restriction.Kind == RestrictionKind.PermitNakedIpAddress)
            return HostText.IsAddress(helo) ? Outcome.Permit : Outcome.Dunno;
        if (helo.StartsWith('['))
            return HostText.IsLiteral(helo) ? Outcome.Dunno : run.Refuse(run.Config.Codes.InvalidHostname, s_syntax, about, "invalid ip address");
        return restriction.Kind switch
        {
            RestrictionKind.RejectInvalidHeloHostname => HostText.IsAddress(helo) || HostText.IsName(HostText.WithoutDot(helo))
                ? Outcome.Dunno : run.Refuse(run.Config.Codes.InvalidHostname, s_syntax, about, "Invalid name"),
            RestrictionKind.RejectNonFqdnHeloHostname => HostText.IsFullName(HostText.WithoutDot(helo))
                ? Outcome.Dunno : run.Refuse(run.Config.Codes.NonFqdn, s_syntax, about, "need fully-qualified hostname"),
            _ => await UnknownAsync(run, helo, about, cancellationToken),
        };
    }

    /// <summary>A name with an address or a mail exchanger is known.</summary>
    private async ValueTask<Outcome> UnknownAsync(RestrictionRun run, string helo, ReplyAbout about, CancellationToken cancellationToken)
    {
        DomainKnowledge known = await DomainKnowledge.OfAsync(dns, helo, cancellationToken);
        return known.State switch
        {
            DomainState.Known or DomainState.NullMx => Outcome.Dunno,
            DomainState.Unsure => run.PutOffPermission(450, new EnhancedStatus(4, 7, 1), about.Rejected("Host not found"), run.Config.UnknownHeloTempfail),
            _ => run.Refuse(run.Config.Codes.UnknownHostname, new EnhancedStatus(4, 7, 1), about, "Host not found"),
        };
    }
}
