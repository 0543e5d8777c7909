using System.Globalization;
using System.Net;
using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// DNS block and allow lists, by address and by domain (RFC 5782). A block list that does not answer blocks nobody; an allow list that does not answer makes a later refusal temporary. An allow list
/// never opens the way to foreign destinations.
/// </summary>
internal sealed class DnsLists(RestrictionServices services, PolicyTables tables)
{
    /// <summary>Octets of a list's reason that are repeated.</summary>
    private const int MaximumReason = 400;

    private static readonly EnhancedStatus s_policy = new(5, 7, 1);

    private readonly Resolver _dns = services.Dns;

    public async ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, CancellationToken cancellationToken)
    {
        RestrictionFacts facts = run.Facts;
        if (DnsListPattern.Read(restriction.Argument) is not { } list)
            return run.ConfigurationFailed();
        bool permits = restriction.Kind is RestrictionKind.PermitDnswlClient or RestrictionKind.PermitRhswlClient;
        (string? query, string what, string about) = restriction.Kind switch
        {
            RestrictionKind.RejectRblClient or RestrictionKind.PermitDnswlClient => (Reversed(facts.Address), facts.Address.ToString(), ReplyAbout.ClientHost),
            RestrictionKind.RejectRhsblClient or RestrictionKind.PermitRhswlClient => (Named(facts.ClientName), facts.ClientName, ReplyAbout.ClientHost),
            RestrictionKind.RejectRhsblReverseClient => (Named(facts.ReverseName), facts.ReverseName, ReplyAbout.UnverifiedClientHost),
            RestrictionKind.RejectRhsblHelo => (Named(facts.Helo), facts.Helo ?? "", ReplyAbout.HeloCommand),
            RestrictionKind.RejectRhsblSender => (Named(facts.Sender?.Domain), Written(facts.Sender), ReplyAbout.SenderAddress),
            _ => (Named(facts.Recipient?.Domain), Written(facts.Recipient), ReplyAbout.RecipientAddress),
        };
        if (query is null)
            return Outcome.Dunno;
        string name = $"{query}.{list.Zone}";
        DnsAnswer<IPAddress> answer = await _dns.AddressesAsync(name, System.Net.Sockets.AddressFamily.InterNetwork, cancellationToken);
        if (answer.IsTemporary && permits)
            return run.PutOffRefusal(450, new EnhancedStatus(4, 7, 1), $"<{run.About.Name}>: {run.About.Class} rejected: {restriction.Word} lookup error for {name}");
        if (!answer.Records.Any(list.Takes))
            return Outcome.Dunno;
        if (permits)
            return await IsForUsAsync(run, cancellationToken) ? Outcome.Permit : Outcome.Dunno;
        DnsAnswer<string> reason = await _dns.TxtAsync(name, cancellationToken);
        return await RefuseAsync(run, new Listing(restriction.Argument, list.Zone, what, about, reason.Records.FirstOrDefault() ?? ""), cancellationToken);
    }

    private readonly record struct Listing(string Argument, string Zone, string What, string About, string Reason);

    private async ValueTask<Outcome> RefuseAsync(RestrictionRun run, Listing listing, CancellationToken cancellationToken)
    {
        string template = run.Config.RblReply;
        switch (await tables.FindAsync(run.Config.RblReplies, listing.Argument, cancellationToken))
        {
            case TableAnswer.Found found:
                template = found.Value;
                break;
            case TableAnswer.Unavailable:
                return run.LookupFailed(run.About.Name);
        }
        RestrictionFacts facts = run.Facts;
        string reason = listing.Reason.Length > MaximumReason ? listing.Reason[..MaximumReason] : listing.Reason;
        string reply = ReplyTemplate.Expand(template, variable => variable switch
        {
            "rbl_code" => run.Config.Codes.MapsRbl.ToString(CultureInfo.InvariantCulture),
            "rbl_class" => listing.About,
            "rbl_domain" => listing.Zone,
            "rbl_reason" or "rbl_txt" => reason,
            "rbl_what" => listing.What,
            "client" => facts.NamedAddress,
            "client_address" => facts.Address.ToString(),
            "client_name" => facts.ClientName,
            "reverse_client_name" => facts.ReverseName,
            "helo_name" => facts.Helo ?? "",
            "sender" => Written(facts.Sender),
            "sender_name" => facts.Sender?.LocalPart ?? "",
            "sender_domain" => facts.Sender?.Domain ?? "",
            "recipient" => Written(facts.Recipient),
            "recipient_name" => facts.Recipient?.LocalPart ?? "",
            "recipient_domain" => facts.Recipient?.Domain ?? "",
            _ => "",
        });
        (int code, EnhancedStatus status, string text) = ReplyTemplate.Split(reply, run.Config.Codes.MapsRbl, s_policy);
        return run.Refuse(code, status, text);
    }

    private async ValueTask<bool> IsForUsAsync(RestrictionRun run, CancellationToken cancellationToken) =>
        run.Facts.Recipient is not { } recipient || Standings.IsOurs(await Standings.OfAsync(services.Classify, run, recipient, cancellationToken));

    private static string Written(MailAddress? address) => address is null ? "" : RestrictionFacts.Internal(address);

    /// <summary>Null for what is no domain name.</summary>
    private static string? Named(string? domain) => domain is null or RestrictionFacts.UnknownName || !HostText.IsName(domain) ? null : domain;

    /// <summary>RFC 5782 s2.1, s2.4.</summary>
    private static string Reversed(IPAddress address)
    {
        string name = Dns.ReverseLookup.NameOf(address);
        return name[..name.LastIndexOf('.', name.LastIndexOf('.') - 1)];
    }
}
