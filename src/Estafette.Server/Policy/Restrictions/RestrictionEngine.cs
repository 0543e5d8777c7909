using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Estafette.Config.Model;
using Estafette.Dns;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// The restriction lists of one service of smtpd(8): asks them at each stage, or at RCPT where <c>smtpd_delay_reject</c> says so, and adds what holds without a list: recipients and senders that
/// must exist. Thread safe; what a session remembers is in its <see cref="RestrictionMemory"/>. A table or name server that fails gives a temporary refusal (E44).
/// </summary>
public sealed class RestrictionEngine
{
    /// <summary>Classes within classes, tables that name classes: deeper is a loop.</summary>
    private const int MaximumNesting = 100;

    private static readonly EnhancedStatus s_policy = new(5, 7, 1);
    private static readonly EnhancedStatus s_security = new(5, 7, 0);
    private static readonly TimeSpan s_longestSleep = TimeSpan.FromMinutes(10);

    private readonly SmtpdConfig _config;
    private readonly TimeProvider _clock;
    private readonly AccessTables _access;
    private readonly ClientRules _clients;
    private readonly HeloRules _helos;
    private readonly AddressRules _addresses;
    private readonly SenderLogins _logins;
    private readonly DnsLists _lists;

    public RestrictionEngine(SmtpdConfig config, RestrictionServices services, TimeProvider clock)
    {
        _config = config;
        _clock = clock;
        var tables = new PolicyTables(services.Tables);
        _access = new AccessTables(tables, services.Dns, services.Classify);
        _clients = new ClientRules(tables, services.OwnAddresses);
        _helos = new HeloRules(services.Dns);
        _addresses = new AddressRules(services, tables);
        _logins = new SenderLogins(tables, services.Classify);
        _lists = new DnsLists(services, tables);
    }

    /// <summary>At connect; asks nothing where refusals are delayed.</summary>
    public async ValueTask<StageVerdict> AtConnectAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        if (_config.DelayReject || _config.Client.IsEmpty)
            return StageVerdict.Clear;
        var run = new RestrictionRun(facts, _config);
        await ClientAsync(run, memory, cancellationToken);
        return Verdict(run, memory);
    }

    /// <summary>At HELO and EHLO; asks nothing where refusals are delayed.</summary>
    public async ValueTask<StageVerdict> AtHelloAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        if (_config.DelayReject || _config.Helo.IsEmpty)
        {
            memory.AfterHelo = memory.AfterClient;
            return StageVerdict.Clear;
        }
        var run = new RestrictionRun(facts, _config);
        await HelloAsync(run, memory, cancellationToken);
        return Verdict(run, memory);
    }

    /// <summary>At MAIL; asks nothing where refusals are delayed.</summary>
    public async ValueTask<StageVerdict> AtMailAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        memory.EndTransaction();
        if (_config.DelayReject)
            return StageVerdict.Clear;
        var run = new RestrictionRun(facts, _config);
        await SenderAsync(run, memory, cancellationToken);
        return Verdict(run, memory);
    }

    /// <summary>At RCPT, and for the address that VRFY asks about.</summary>
    public async ValueTask<StageVerdict> AtRecipientAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        MailAddress recipient = facts.Recipient!;
        // RFC 5321 s4.5.1: postmaster without a domain is always taken.
        if (recipient.Domain.Length == 0 && recipient.LocalPart.Equals("postmaster", StringComparison.OrdinalIgnoreCase))
            return StageVerdict.Clear;
        var run = new RestrictionRun(facts, _config) { Discards = memory.Discards };
        if (!_config.DelayReject
            || (await ClientAsync(run, memory, cancellationToken) && await HelloAsync(run, memory, cancellationToken) && await SenderAsync(run, memory, cancellationToken)))
            await RecipientAsync(run, memory, recipient, cancellationToken);
        return Verdict(run, memory);
    }

    public ValueTask<StageVerdict> AtDataAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken) =>
        OneListAsync(facts, memory, _config.Data, RestrictionStage.Data, new ReplyAbout("DATA", ReplyAbout.DataCommand), cancellationToken);

    public ValueTask<StageVerdict> AtEndOfDataAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken) =>
        OneListAsync(facts, memory, _config.EndOfData, RestrictionStage.EndOfData, new ReplyAbout("END-OF-MESSAGE", ReplyAbout.EndOfData), cancellationToken);

    public async ValueTask<StageVerdict> AtEtrnAsync(RestrictionFacts facts, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        var run = new RestrictionRun(facts, _config);
        if (_config.DelayReject && !(await ClientAsync(run, memory, cancellationToken) && await HelloAsync(run, memory, cancellationToken)))
            return Verdict(run, memory);
        run.DeferIfPermit = memory.AfterHelo;
        await ListAsync(run, _config.Etrn, RestrictionStage.Etrn, new ReplyAbout(facts.EtrnDomain ?? "", ReplyAbout.EtrnCommand), cancellationToken);
        SayDeferral(run);
        return Verdict(run, memory);
    }

    private static StageVerdict Verdict(RestrictionRun run, RestrictionMemory memory)
    {
        memory.Discards = run.Discards;
        return run.Refusal is null && run.Actions.Count == 0 ? StageVerdict.Clear : new StageVerdict(run.Refusal, run.Actions);
    }

    /// <summary>What was put off is said now, unless there is a refusal already.</summary>
    private static void SayDeferral(RestrictionRun run)
    {
        if (run.Refusal is null && !run.Discards && run.DeferIfPermit is { } deferral)
            run.RefuseInstead(deferral);
    }

    private async ValueTask<bool> ClientAsync(RestrictionRun run, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        run.DeferIfPermit = null;
        await ListAsync(run, _config.Client, RestrictionStage.Client, new ReplyAbout(run.Facts.NamedAddress, ReplyAbout.ClientHost), cancellationToken);
        memory.AfterClient = memory.AfterHelo = memory.AfterSender = run.DeferIfPermit;
        return run.Refusal is null;
    }

    private async ValueTask<bool> HelloAsync(RestrictionRun run, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        run.DeferIfPermit = memory.AfterClient;
        if (run.Facts.Helo is { } helo)
            await ListAsync(run, _config.Helo, RestrictionStage.Helo, new ReplyAbout(helo, ReplyAbout.HeloCommand), cancellationToken);
        memory.AfterHelo = memory.AfterSender = run.DeferIfPermit;
        return run.Refusal is null;
    }

    private async ValueTask<bool> SenderAsync(RestrictionRun run, RestrictionMemory memory, CancellationToken cancellationToken)
    {
        if (run.Facts.Sender is not { } sender)
            return true;
        run.DeferIfPermit = memory.AfterHelo;
        await ListAsync(run, _config.Sender, RestrictionStage.Sender, new ReplyAbout(RestrictionFacts.Internal(sender), ReplyAbout.SenderAddress), cancellationToken);
        memory.AfterSender = run.DeferIfPermit;
        if (run.Refusal is null && _config.RejectUnlistedSender && !run.SenderChecked && !run.Discards && !sender.IsNull)
            await _addresses.UnlistedSenderAsync(run, cancellationToken);
        return run.Refusal is null;
    }

    /// <summary>The lists about relaying and about the recipient: both must let it pass.</summary>
    private async ValueTask RecipientAsync(RestrictionRun run, RestrictionMemory memory, MailAddress recipient, CancellationToken cancellationToken)
    {
        run.DeferIfPermit = memory.AfterSender;
        var about = new ReplyAbout(RestrictionFacts.Internal(recipient), ReplyAbout.RecipientAddress);
        (ImmutableArray<Restriction> first, ImmutableArray<Restriction> second) = _config.RelayBeforeRecipient ? (_config.Relay, _config.Recipient) : (_config.Recipient, _config.Relay);
        await ListAsync(run, first, _config.RelayBeforeRecipient ? RestrictionStage.Relay : RestrictionStage.Recipient, about, cancellationToken);
        if (run.Refusal is null)
            await ListAsync(run, second, _config.RelayBeforeRecipient ? RestrictionStage.Recipient : RestrictionStage.Relay, about, cancellationToken);
        SayDeferral(run);
        if (run.Refusal is null && _config.RejectUnlistedRecipient && !run.RecipientChecked && !run.Discards)
            await _addresses.UnlistedRecipientAsync(run, cancellationToken);
    }

    private async ValueTask<StageVerdict> OneListAsync(
        RestrictionFacts facts, RestrictionMemory memory, ImmutableArray<Restriction> list, RestrictionStage stage, ReplyAbout about, CancellationToken cancellationToken)
    {
        if (list.IsEmpty || memory.Discards)
            return StageVerdict.Clear;
        // With several recipients there is none that a list could be about.
        var run = new RestrictionRun(facts.Recipients == 1 ? facts : facts with { Recipient = null }, _config);
        await ListAsync(run, list, stage, about, cancellationToken);
        SayDeferral(run);
        return Verdict(run, memory);
    }

    private async ValueTask ListAsync(RestrictionRun run, ImmutableArray<Restriction> list, RestrictionStage stage, ReplyAbout about, CancellationToken cancellationToken)
    {
        run.BeginStage(about);
        if (!run.Discards)
            await AskAsync(run, list, stage, MaximumNesting, cancellationToken);
    }

    private async ValueTask<Outcome> AskAsync(RestrictionRun run, ImmutableArray<Restriction> list, RestrictionStage stage, int depth, CancellationToken cancellationToken)
    {
        if (depth == 0)
            return run.ConfigurationFailed();
        foreach (Restriction restriction in list)
        {
            Restriction? outer = run.Enter(restriction);
            Outcome outcome = await AskAsync(run, restriction, stage, depth, cancellationToken);
            run.Leave(outer);
            if (outcome != Outcome.Dunno)
                return outcome;
        }
        return Outcome.Dunno;
    }

    private ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, RestrictionStage stage, int depth, CancellationToken cancellationToken) => restriction.Kind switch
    {
        RestrictionKind.Permit => ValueTask.FromResult(Outcome.Permit),
        RestrictionKind.Reject => ValueTask.FromResult(run.Refuse(_config.Codes.Reject, s_policy, run.About, "Access denied")),
        RestrictionKind.Defer => ValueTask.FromResult(run.Refuse(_config.Codes.Defer, new EnhancedStatus(4, 3, 2), run.About, "Try again later")),
        RestrictionKind.DeferIfPermit => ValueTask.FromResult(run.PutOffPermission(450, s_security, run.About.Rejected("defer_if_permit requested"))),
        RestrictionKind.DeferIfReject => ValueTask.FromResult(run.PutOffRefusal(450, s_security, run.About.Rejected("defer_if_reject requested"))),
        RestrictionKind.Sleep => SleepAsync(restriction, cancellationToken),
        RestrictionKind.Class => _config.Classes.TryGetValue(restriction.Argument, out ImmutableArray<Restriction> members)
            ? AskAsync(run, members, stage, depth - 1, cancellationToken) : ValueTask.FromResult(run.ConfigurationFailed()),
        RestrictionKind.CheckAccess => AccessAsync(run, restriction, stage, depth, cancellationToken),
        RestrictionKind.PermitInetInterfaces or RestrictionKind.PermitMyNetworks or RestrictionKind.PermitSaslAuthenticated or RestrictionKind.PermitTlsClientCerts
            or RestrictionKind.PermitTlsAllClientCerts or RestrictionKind.RejectPlaintextSession or RestrictionKind.RejectUnauthPipelining
            or RestrictionKind.RejectUnknownClientHostname or RestrictionKind.RejectUnknownReverseClientHostname => _clients.AskAsync(run, restriction, cancellationToken),
        RestrictionKind.RejectInvalidHeloHostname or RestrictionKind.RejectNonFqdnHeloHostname or RestrictionKind.RejectUnknownHeloHostname
            or RestrictionKind.PermitNakedIpAddress => _helos.AskAsync(run, restriction, cancellationToken),
        RestrictionKind.RejectSenderLoginMismatch or RestrictionKind.RejectAuthenticatedSenderLoginMismatch or RestrictionKind.RejectUnauthenticatedSenderLoginMismatch
            or RestrictionKind.RejectKnownSenderLoginMismatch => _logins.AskAsync(run, restriction, cancellationToken),
        RestrictionKind.RejectRblClient or RestrictionKind.PermitDnswlClient or RestrictionKind.RejectRhsblClient or RestrictionKind.PermitRhswlClient
            or RestrictionKind.RejectRhsblReverseClient or RestrictionKind.RejectRhsblHelo or RestrictionKind.RejectRhsblSender
            or RestrictionKind.RejectRhsblRecipient => _lists.AskAsync(run, restriction, cancellationToken),
        _ => _addresses.AskAsync(run, restriction, cancellationToken),
    };

    private async ValueTask<Outcome> AccessAsync(RestrictionRun run, Restriction restriction, RestrictionStage stage, int depth, CancellationToken cancellationToken)
    {
        AccessAnswer.Result result = await _access.AskAsync(run, restriction, stage, cancellationToken);
        if (result.Next.IsEmpty)
            return result.Outcome;
        Outcome outcome = await AskAsync(run, result.Next, stage, depth - 1, cancellationToken);
        // As AccessTables: what stands in the table for somebody's servers must not let mail in either.
        return outcome == Outcome.Permit && restriction.Via != AccessVia.Itself && !run.Discards ? run.ConfigurationFailed() : outcome;
    }

    private async ValueTask<Outcome> SleepAsync(Restriction restriction, CancellationToken cancellationToken)
    {
        TimeSpan asked = TimeSpan.FromSeconds(int.Parse(restriction.Argument, CultureInfo.InvariantCulture));
        await Task.Delay(asked < s_longestSleep ? asked : s_longestSleep, _clock, cancellationToken);
        return Outcome.Dunno;
    }
}

/// <summary>What the restrictions ask.</summary>
public sealed record RestrictionServices
{
    public required TableSet Tables { get; init; }
    public required Resolver Dns { get; init; }
    public required AddressClassifier Classify { get; init; }

    /// <summary><c>$myhostname</c>.</summary>
    public required string HostName { get; init; }

    /// <summary>Addresses this machine receives mail at (<c>inet_interfaces</c>, <c>proxy_interfaces</c>).</summary>
    public Func<IPAddress, bool> OwnAddresses { get; init; } = _ => false;
}
