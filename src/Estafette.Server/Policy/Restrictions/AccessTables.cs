using System.Net;
using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// <c>check_*_access</c>: which keys are looked up for what, in the order of access(5). A table of patterns is asked for the whole text only. A table that cannot be read is a temporary
/// refusal (E44).
/// </summary>
internal sealed class AccessTables(PolicyTables tables, Resolver dns, AddressClassifier classify)
{
    /// <summary>Name servers or mail exchangers of one domain that are looked at.</summary>
    private const int MaximumServers = 50;

    private static readonly EnhancedStatus s_trouble = new(4, 3, 5);
    private static readonly AccessAnswer.Result s_nothing = new(Outcome.Dunno, []);

    public ValueTask<AccessAnswer.Result> AskAsync(RestrictionRun run, Restriction restriction, RestrictionStage stage, CancellationToken cancellationToken)
    {
        RestrictionFacts facts = run.Facts;
        var search = new Search(run, restriction, stage);
        return (restriction.Subject, restriction.Via) switch
        {
            (AccessSubject.Client, AccessVia.Itself) => ClientAsync(search, cancellationToken),
            (AccessSubject.ReverseClient, AccessVia.Itself) => DomainAsync(search, facts.ReverseName, new ReplyAbout(facts.ReverseName, ReplyAbout.UnverifiedClientHost), cancellationToken),
            (AccessSubject.Helo, AccessVia.Itself) when facts.Helo is { } helo => DomainAsync(search, helo, new ReplyAbout(helo, ReplyAbout.HeloCommand), cancellationToken),
            (AccessSubject.Etrn, _) when facts.EtrnDomain is { } domain => DomainAsync(search, domain, new ReplyAbout(domain, ReplyAbout.EtrnCommand), cancellationToken),
            (AccessSubject.Sender, AccessVia.Itself) when facts.Sender is { } sender => AddressAsync(search, sender, ReplyAbout.SenderAddress, cancellationToken),
            (AccessSubject.Recipient, AccessVia.Itself) when facts.Recipient is { } recipient => AddressAsync(search, recipient, ReplyAbout.RecipientAddress, cancellationToken),
            (AccessSubject.SaslUser, _) when facts.Login is { } login => KeysAsync(search, [login], new ReplyAbout(login, ReplyAbout.SaslUser), cancellationToken),
            (AccessSubject.Certificate, _) when facts.Certificate is { } certificate => KeysAsync(
                search, restriction.KeyDigests.Select(key => ClientRules.DigestText(key ? certificate.KeyFingerprint : certificate.Fingerprint)),
                new ReplyAbout(facts.NamedAddress, ReplyAbout.Certificate), cancellationToken),
            (AccessSubject.Client, _) => ServersAsync(search, facts.ClientName, new ReplyAbout(facts.ClientName, ReplyAbout.ClientHost), cancellationToken),
            (AccessSubject.ReverseClient, _) => ServersAsync(search, facts.ReverseName, new ReplyAbout(facts.ReverseName, ReplyAbout.UnverifiedClientHost), cancellationToken),
            (AccessSubject.Helo, _) when facts.Helo is { } helo => ServersAsync(search, helo, new ReplyAbout(helo, ReplyAbout.HeloCommand), cancellationToken),
            (AccessSubject.Sender, _) when facts.Sender is { IsNull: false } sender => ServersAsync(search, sender, ReplyAbout.SenderAddress, cancellationToken),
            (AccessSubject.Recipient, _) when facts.Recipient is { } recipient => ServersAsync(search, recipient, ReplyAbout.RecipientAddress, cancellationToken),
            _ => ValueTask.FromResult(s_nothing),
        };
    }

    private readonly record struct Search(RestrictionRun Run, Restriction Restriction, RestrictionStage Stage)
    {
        public string Table => Restriction.Argument;
    }

    /// <summary>Acts on an entry; null where there is none.</summary>
    private static AccessAnswer.Result? Take(Search search, TableAnswer answer, ReplyAbout about) => answer switch
    {
        TableAnswer.Unavailable => new AccessAnswer.Result(search.Run.Refuse(451, s_trouble, about, "Server configuration error"), []),
        TableAnswer.Found found => AccessAnswer.Take(search.Run, found.Value, about, search.Restriction, search.Stage),
        _ => null,
    };

    private async ValueTask<AccessAnswer.Result?> FindDomainAsync(Search search, string domain, ReplyAbout about, CancellationToken cancellationToken) =>
        Take(search, await tables.FindDomainAsync(search.Table, domain, search.Run.Config.AccessParentsMatch, cancellationToken), about);

    private async ValueTask<AccessAnswer.Result?> FindNetworkAsync(Search search, IPAddress address, ReplyAbout about, CancellationToken cancellationToken) =>
        Take(search, await tables.FindNetworkAsync(search.Table, address, cancellationToken), about);

    private async ValueTask<AccessAnswer.Result> KeysAsync(Search search, IEnumerable<string> keys, ReplyAbout about, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
        {
            if (Take(search, await tables.FindAsync([search.Table], key, cancellationToken), about) is { } result)
                return result;
        }
        return s_nothing;
    }

    private async ValueTask<AccessAnswer.Result> ClientAsync(Search search, CancellationToken cancellationToken)
    {
        RestrictionFacts facts = search.Run.Facts;
        var about = new ReplyAbout(facts.NamedAddress, ReplyAbout.ClientHost);
        return await FindDomainAsync(search, facts.ClientName, about, cancellationToken) ?? await FindNetworkAsync(search, facts.Address, about, cancellationToken) ?? s_nothing;
    }

    private async ValueTask<AccessAnswer.Result> DomainAsync(Search search, string domain, ReplyAbout about, CancellationToken cancellationToken) =>
        await FindDomainAsync(search, domain, about, cancellationToken) ?? s_nothing;

    private async ValueTask<AccessAnswer.Result> AddressAsync(Search search, MailAddress address, string kind, CancellationToken cancellationToken)
    {
        SmtpdConfig config = search.Run.Config;
        var about = new ReplyAbout(RestrictionFacts.Internal(address), kind);
        if (address.IsNull)
            return config.NullAccessKey.Length == 0 ? s_nothing : await KeysAsync(search, [config.NullAccessKey], about, cancellationToken);
        AddressStanding standing = await Standings.OfAsync(classify, search.Run, address, cancellationToken);
        return Take(search, await tables.FindMailboxAsync(search.Table, standing.Address, config, cancellationToken), about) ?? s_nothing;
    }

    private async ValueTask<AccessAnswer.Result> ServersAsync(Search search, MailAddress address, string kind, CancellationToken cancellationToken)
    {
        AddressStanding standing = await Standings.OfAsync(classify, search.Run, address, cancellationToken);
        return await ServersAsync(search, standing.Address.Domain, new ReplyAbout(RestrictionFacts.Internal(address), kind), cancellationToken);
    }

    /// <summary>The names and addresses of the servers of a domain. What is not known of them permits and refuses nothing.</summary>
    private async ValueTask<AccessAnswer.Result> ServersAsync(Search search, string domain, ReplyAbout about, CancellationToken cancellationToken)
    {
        if (HostText.LiteralAddress(domain) is { } literal)
            return search.Restriction.Via == AccessVia.NameServers ? s_nothing : Sure(search, await FindNetworkAsync(search, literal, about, cancellationToken));
        if (!HostText.IsName(HostText.WithoutDot(domain)) || domain == RestrictionFacts.UnknownName)
            return s_nothing;
        foreach (string server in (await ServerNamesAsync(search.Restriction.Via, HostText.WithoutDot(domain), cancellationToken)).Take(MaximumServers))
        {
            if (search.Restriction.Via != AccessVia.Addresses
                && await FindDomainAsync(search, server, about, cancellationToken) is { } named)
                return Sure(search, named);
            DnsAnswer<IPAddress> addresses = await dns.AddressesAsync(server, cancellationToken);
            foreach (IPAddress address in addresses.Records)
            {
                if (await FindNetworkAsync(search, address, about, cancellationToken) is { } found)
                    return Sure(search, found);
            }
        }
        return s_nothing;
    }

    /// <summary>Whoever runs a domain chooses its servers: an entry for them must never let mail in.</summary>
    private static AccessAnswer.Result Sure(Search search, AccessAnswer.Result? result) => result switch
    {
        null => s_nothing,
        { Outcome: Outcome.Permit } when !search.Run.Discards => new AccessAnswer.Result(search.Run.ConfigurationFailed(), []),
        { } sure => sure,
    };

    private async ValueTask<IEnumerable<string>> ServerNamesAsync(AccessVia via, string domain, CancellationToken cancellationToken)
    {
        if (via == AccessVia.Addresses)
            return [domain];
        if (via == AccessVia.MailExchangers)
        {
            DnsAnswer<MxRecord> exchangers = await dns.MxAsync(domain, cancellationToken);
            if (exchangers.IsTemporary)
                return [];
            return exchangers.IsFound ? exchangers.Records.Where(r => r.Exchange.Length > 0).OrderBy(r => r.Preference).Select(r => r.Exchange) : [domain];
        }
        // The zone that a name belongs to may be one of its parents.
        for (string zone = domain; zone.Contains('.', StringComparison.Ordinal); zone = zone[(zone.IndexOf('.', StringComparison.Ordinal) + 1)..])
        {
            DnsAnswer<string> servers = await dns.NsAsync(zone, cancellationToken);
            if (servers.IsFound || servers.IsTemporary)
                return servers.Records;
        }
        return [];
    }
}
