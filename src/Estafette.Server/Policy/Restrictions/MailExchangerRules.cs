using System.Net;
using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary><c>permit_mx_backup</c>: mail for a domain that names this machine among its mail exchangers; with <c>permit_mx_backup_networks</c> only where its best ones are there.</summary>
internal sealed class MailExchangerRules(RestrictionServices services, PolicyTables tables)
{
    /// <summary>Mail exchangers of one domain that are looked at.</summary>
    private const int MaximumExchangers = 50;

    public async ValueTask<Outcome> PermitBackupAsync(RestrictionRun run, AddressStanding standing, CancellationToken cancellationToken)
    {
        if (standing.IsRouted)
            return Outcome.Dunno;
        if (standing.Class is AddressClass.Local or AddressClass.VirtualAlias or AddressClass.VirtualMailbox)
            return Outcome.Permit;
        string domain = standing.Address.Domain;
        if (domain.Length == 0 || domain[0] == '[')
            return Outcome.Dunno;
        DnsAnswer<MxRecord> answer = await services.Dns.MxAsync(domain, cancellationToken);
        if (answer.IsTemporary)
        {
            var about = new ReplyAbout(run.About.Name, ReplyAbout.RecipientAddress);
            return run.PutOffRefusal(450, new EnhancedStatus(4, 4, 4), about.Rejected("Unable to look up mail exchanger information"));
        }
        MxRecord[] exchangers = [.. answer.Records.Where(r => r.Exchange.Length > 0).Take(MaximumExchangers)];
        bool ours = false;
        foreach (MxRecord exchanger in exchangers)
            ours = ours || await IsOwnAsync(exchanger.Exchange, cancellationToken);
        if (!ours)
            return Outcome.Dunno;
        return run.Config.MxBackupNetworks.IsEmpty || await BestAreListedAsync(run, exchangers, cancellationToken) ? Outcome.Permit : Outcome.Dunno;
    }

    private async ValueTask<bool> IsOwnAsync(string host, CancellationToken cancellationToken)
    {
        if (host.Equals(services.HostName, StringComparison.OrdinalIgnoreCase))
            return true;
        DnsAnswer<IPAddress> addresses = await services.Dns.AddressesAsync(host, cancellationToken);
        return addresses.Records.Any(services.OwnAddresses);
    }

    /// <summary>What cannot be found out counts as "no": this permits relaying.</summary>
    private async ValueTask<bool> BestAreListedAsync(RestrictionRun run, MxRecord[] exchangers, CancellationToken cancellationToken)
    {
        int best = exchangers.Min(e => e.Preference);
        foreach (MxRecord exchanger in exchangers.Where(e => e.Preference == best))
        {
            DnsAnswer<IPAddress> addresses = await services.Dns.AddressesAsync(exchanger.Exchange, cancellationToken);
            if (!addresses.IsFound)
                return false;
            foreach (IPAddress address in addresses.Records)
            {
                if (await tables.ContainsAsync(run.Config.MxBackupNetworks, address, cancellationToken) != true)
                    return false;
            }
        }
        return true;
    }
}
