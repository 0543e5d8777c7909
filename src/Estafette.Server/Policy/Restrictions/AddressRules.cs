using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>The restrictions about envelope addresses: their form, their domain, whether they exist, and whether this server may take mail for them.</summary>
internal sealed class AddressRules(RestrictionServices services, PolicyTables tables)
{
    private static readonly EnhancedStatus s_form = new(5, 5, 2);
    private static readonly EnhancedStatus s_relay = new(5, 7, 1);

    private readonly MailExchangerRules _exchangers = new(services, tables);

    public async ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, CancellationToken cancellationToken)
    {
        switch (restriction.Kind)
        {
            case RestrictionKind.RejectNonFqdnSender: return NonFqdn(run, run.Facts.Sender, ReplyAbout.SenderAddress);
            case RestrictionKind.RejectNonFqdnRecipient: return NonFqdn(run, run.Facts.Recipient, ReplyAbout.RecipientAddress);
            case RestrictionKind.RejectUnknownSenderDomain: return await UnknownDomainAsync(run, run.Facts.Sender, ReplyAbout.SenderAddress, cancellationToken);
            case RestrictionKind.RejectUnknownRecipientDomain: return await UnknownDomainAsync(run, run.Facts.Recipient, ReplyAbout.RecipientAddress, cancellationToken);
            case RestrictionKind.RejectUnlistedSender: return await UnlistedSenderAsync(run, cancellationToken);
            case RestrictionKind.RejectUnlistedRecipient: return await UnlistedRecipientAsync(run, cancellationToken);
            case RestrictionKind.RejectMultiRecipientBounce: return MultiRecipientBounce(run);
        }
        if (run.Facts.Recipient is not { } recipient)
            return Outcome.Dunno;
        AddressStanding standing = await Standings.OfAsync(services.Classify, run, recipient, cancellationToken);
        if (Standings.IsUnclear(standing))
            return run.LookupFailed(RestrictionFacts.Internal(recipient));
        bool ours = Standings.IsOurs(standing);
        string text = $"<{RestrictionFacts.Internal(recipient)}>: Relay access denied";
        return restriction.Kind switch
        {
            RestrictionKind.PermitAuthDestination => ours ? Outcome.Permit : Outcome.Dunno,
            RestrictionKind.RejectUnauthDestination => ours ? Outcome.Dunno : run.Refuse(run.Config.Codes.RelayDomains, s_relay, text),
            RestrictionKind.DeferUnauthDestination => ours ? Outcome.Dunno : run.Refuse(454, s_relay, text),
            RestrictionKind.PermitMxBackup => await _exchangers.PermitBackupAsync(run, standing, cancellationToken),
            _ => run.ConfigurationFailed(),
        };
    }

    public async ValueTask<Outcome> UnlistedSenderAsync(RestrictionRun run, CancellationToken cancellationToken)
    {
        run.SenderChecked = true;
        return run.Facts.Sender is { IsNull: false } sender ? await UnlistedAsync(run, sender, ReplyAbout.SenderAddress, cancellationToken) : Outcome.Dunno;
    }

    public async ValueTask<Outcome> UnlistedRecipientAsync(RestrictionRun run, CancellationToken cancellationToken)
    {
        run.RecipientChecked = true;
        return run.Facts.Recipient is { } recipient ? await UnlistedAsync(run, recipient, ReplyAbout.RecipientAddress, cancellationToken) : Outcome.Dunno;
    }

    private async ValueTask<Outcome> UnlistedAsync(RestrictionRun run, MailAddress address, string kind, CancellationToken cancellationToken)
    {
        var about = new ReplyAbout(RestrictionFacts.Internal(address), kind);
        AddressStanding standing = await Standings.OfAsync(services.Classify, run, address, cancellationToken);
        if (standing.Existence == AddressExistence.Known)
            return Outcome.Dunno;
        if (standing.Existence == AddressExistence.Unavailable)
            return run.LookupFailed(about.Name);
        if (!standing.Status.IsNone)
            return run.Refuse(standing.Status.Class == 4 ? 450 : 550, StatusFit.For(standing.Status, kind), about, standing.Reason);
        RejectCodes codes = run.Config.Codes;
        (int code, string table) = standing.Class switch
        {
            AddressClass.VirtualAlias => (codes.UnknownVirtualAlias, "virtual alias table"),
            AddressClass.VirtualMailbox => (codes.UnknownVirtualMailbox, "virtual mailbox table"),
            AddressClass.Relay => (codes.UnknownRelayRecipient, "relay recipient table"),
            _ => (codes.UnknownLocalRecipient, "local recipient table"),
        };
        var status = new EnhancedStatus(5, 1, kind == ReplyAbout.SenderAddress ? (ushort)0 : (ushort)1);
        return run.Refuse(code, status, about, run.Config.ShowUnknownTable ? "User unknown in " + table : "User unknown");
    }

    private static Outcome NonFqdn(RestrictionRun run, MailAddress? address, string kind)
    {
        if (address is null or { IsNull: true } || address.Domain.StartsWith('[') || HostText.IsFullName(address.Domain))
            return Outcome.Dunno;
        return run.Refuse(run.Config.Codes.NonFqdn, s_form, new ReplyAbout(RestrictionFacts.Internal(address), kind), "need fully-qualified address");
    }

    /// <summary>RFC 7505: mail from or to a domain that takes none is pointless.</summary>
    private async ValueTask<Outcome> UnknownDomainAsync(RestrictionRun run, MailAddress? address, string kind, CancellationToken cancellationToken)
    {
        if (address is null or { IsNull: true })
            return Outcome.Dunno;
        bool sender = kind == ReplyAbout.SenderAddress;
        var about = new ReplyAbout(RestrictionFacts.Internal(address), kind);
        AddressStanding standing = await Standings.OfAsync(services.Classify, run, address, cancellationToken);
        string domain = standing.Address.Domain;
        if (standing.Class is AddressClass.Local or AddressClass.VirtualAlias or AddressClass.VirtualMailbox || domain.Length == 0 || domain[0] == '[')
            return Outcome.Dunno;
        var unknown = new EnhancedStatus(4, 1, sender ? (ushort)8 : (ushort)2);
        DomainKnowledge known = await DomainKnowledge.OfAsync(services.Dns, domain, cancellationToken);
        return known.State switch
        {
            DomainState.Known => Outcome.Dunno,
            DomainState.NullMx => run.Refuse(sender ? 550 : 556, sender ? new EnhancedStatus(5, 7, 27) : new EnhancedStatus(5, 1, 10), about, $"Domain {domain} does not accept mail (nullMX)"),
            DomainState.Unsure => run.PutOffPermission(450, unknown, about.Rejected("Domain not found"), run.Config.UnknownAddressTempfail),
            _ => run.Refuse(run.Config.Codes.UnknownAddress, unknown, about, "Domain not found"),
        };
    }

    /// <summary>A notification has one recipient. At RCPT the one that is asked about is not counted yet.</summary>
    private static Outcome MultiRecipientBounce(RestrictionRun run)
    {
        int taken = run.About.Class is ReplyAbout.DataCommand or ReplyAbout.EndOfData ? run.Facts.Recipients : run.Facts.Recipients + 1;
        return run.Facts.Sender is { IsNull: true } && taken > 1
            ? run.Refuse(run.Config.Codes.MultiRecipientBounce, new EnhancedStatus(5, 5, 3), run.About, "Multi-recipient bounce")
            : Outcome.Dunno;
    }
}
