using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>What all parts of the lowering share: findings, the machine, the tables, and which grammar the text is in.</summary>
internal sealed class LoweringContext(Findings findings, SourceReader reader, ReadOptions options, bool oldGrammar)
{
    public Findings Findings => findings;
    public SourceReader Reader => reader;
    public IMachine Machine => options.Machine;
    public bool CheckFiles => options.CheckFiles;
    public bool OldGrammar => oldGrammar;
    public string HostName { get; } = options.HostName ?? options.Machine.HostName;

    public StatementReader Open(Statement statement) => new(statement, findings);

    /// <summary>The finding for what the original has and this server does not do, where leaving it out would change what happens to mail.</summary>
    public void NotSupported(SourceSpan at, string what, string? cure = null) =>
        findings.Error(at, "not supported yet: " + what, cure ?? "remove it; it is an error because mail would be treated differently without it");

    /// <summary>The finding for what is passed over without changing what happens to mail.</summary>
    public void Ignored(SourceSpan at, string what, string instead) => findings.Warning(at, "not supported yet: " + what, instead);
}

/// <summary>
/// Gives the statements their meaning. Names (tables, actions, filters, certificates) are gathered before they are used, so that their
/// order in the file does not matter; rules keep theirs.
/// </summary>
internal sealed class Lowering
{
    private readonly LoweringContext _context;
    private readonly ImmutableArray<Statement> _statements;
    private readonly TableLowering _tables;
    private readonly IdentityLowering _identities;
    private readonly FilterLowering _filters;
    private readonly SettingLowering _settings;
    private readonly TlsLowering _tls;
    private readonly ActionLowering _actions;
    private readonly ListenLowering _listeners;
    private readonly RuleLowering _rules;

    public Lowering(LoweringContext context, ImmutableArray<Statement> statements)
    {
        _context = context;
        _statements = statements;
        _tables = new TableLowering(context);
        _identities = new IdentityLowering(context);
        _filters = new FilterLowering(context, _tables);
        _settings = new SettingLowering(context);
        _tls = new TlsLowering(context);
        _actions = new ActionLowering(context, _tables, _identities, _tls, _settings);
        _listeners = new ListenLowering(context, _tables, _identities, _filters, _tls);
        _rules = new RuleLowering(context, _tables, _actions);
    }

    /// <summary>The model; it is not to be used when errors were found.</summary>
    public MailConfig Lower(string path)
    {
        foreach (Statement statement in _statements)
            Declare(statement);
        foreach (Statement statement in _statements)
            LowerStatement(statement);
        _tables.CheckFiles();
        ImmutableArray<RuleConfig> rules = _rules.Rules;
        if (rules.IsEmpty && !_context.Findings.HasErrors)
        {
            _context.Findings.Error(new SourceSpan(path, 0, 0, 0), "no rules, nothing to do",
                "add at least one `match ... action` (or `accept ... deliver to`) line; see docs/smtpd-conf.md for a whole example");
        }
        new CertificateRuleCheck(_context, _tables, _listeners, _identities).Check(rules);
        _identities.TellUnusedAnchors();
        new OpenRelayCheck(_context, _tables, _listeners, _actions.Actions).Check(rules, _rules.OpenRelays);
        return new MailConfig
        {
            Dialect = _context.OldGrammar ? Dialect.OpenSmtpdOld : Dialect.OpenSmtpd,
            Source = path,
            HostName = _context.HostName,
            Listeners = _listeners.Listeners,
            LocalSubmission = _listeners.LocalSubmission,
            Tables = _tables.Tables,
            Filters = _filters.Filters,
            Rules = rules,
            Actions = _actions.Actions,
            Identities = _identities.Identities,
            TrustAnchors = _identities.TrustAnchors,
            Retry = _settings.Retry,
            Limits = _settings.Limits,
            Log = _settings.Log,
            NameServers = _settings.NameServers,
            SubaddressDelimiters = _settings.SubaddressDelimiters,
            MaildirNaming = _context.OldGrammar ? MaildirNaming.OpenSmtpdOld : MaildirNaming.OpenSmtpd,
            BareReturnPath = _context.OldGrammar,
            SrsKeys = _settings.SrsKeys,
            Announced = _settings.Announced,
        };
    }

    private void Declare(Statement statement)
    {
        switch (statement.Keyword.Value)
        {
            case "table":
                _tables.Declare(statement);
                break;
            case "pki":
                _identities.DeclarePki(statement);
                break;
            case "ca":
                _identities.DeclareCa(statement);
                break;
            case "filter" or "proc":
                _filters.Declare(statement);
                break;
            case "srs":
                _settings.Srs(statement);
                break;
            case "smtp" or "ciphers":
                _tls.Declare(statement);
                break;
        }
    }

    private void LowerStatement(Statement statement)
    {
        switch (statement.Keyword.Value)
        {
            case "table" or "pki" or "ca" or "proc" or "srs":
                break;
            case "filter":
                _filters.Lower(statement);
                break;
            case "action":
                _actions.Declare(statement);
                break;
            case "match":
                _rules.Match(statement);
                break;
            case "accept" or "reject":
                _rules.Old(statement);
                break;
            case "listen":
                _listeners.Lower(statement);
                break;
            default:
                _settings.Lower(statement);
                break;
        }
    }
}
