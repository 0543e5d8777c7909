using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Tables;

namespace Estafette.Tests.Routing;

/// <summary>A router over tables, users and forward files in memory, and the words the tests ask it with.</summary>
internal sealed class RouterBench : IUserDatabase, IForwardFiles
{
    private readonly Dictionary<string, TableConfig> _tables = [];
    private readonly Dictionary<string, ActionConfig> _actions = [];
    private readonly List<RuleConfig> _rules = [];
    private readonly Dictionary<string, UserAnswer> _users = [];
    private readonly Dictionary<string, ForwardFile> _forwards = [];
    private Router? _router;

    public RouterBench()
    {
        uint uid = 1000;
        foreach (string name in new[] { "alice", "bob", "carol", "dave", "vmail", "opensmtpd" })
            User(new UserRecord(name, ++uid, uid, "/home/" + name));
        User(new UserRecord("root", 0, 0, "/root"));
    }

    public Dialect Dialect { get; set; }
    public string? AliasUser { get; set; }
    public LimitsConfig Limits { get; set; } = new();
    public int ForwardReads { get; private set; }

    public void User(UserRecord user) => _users[user.Name] = new UserAnswer.Found(user);

    public void UserDatabaseFails(string name) => _users[name] = new UserAnswer.Unavailable("name service is down");

    public void Forward(string user, string text) => _forwards[user] = new ForwardFile.Text(text);

    public void Forward(string user, ForwardFile answer) => _forwards[user] = answer;

    public void Table(string name, params string[] rows) => _tables[name] = new TableConfig
    {
        Name = name,
        Kind = TableKind.Inline,
        At = SourceSpan.None,
        Rows = [.. rows.Select(r => r.Split('=', 2)).Select(p => KeyValuePair.Create(p[0], p.Length > 1 ? p[1] : ""))],
    };

    public void MissingTable(string name) => _tables[name] = new TableConfig { Name = name, Kind = TableKind.File, Path = "/nonexistent/" + name, At = SourceSpan.None };

    public ActionConfig.Local Local(string name, string? alias = null, string? virtualTable = null) =>
        (ActionConfig.Local)Action(new ActionConfig.Local { Name = name, At = SourceSpan.None, Method = new LocalMethod.Mbox(), AliasTable = alias, VirtualTable = virtualTable });

    public void Relay(string name) => Action(new ActionConfig.Relay { Name = name, At = SourceSpan.None });

    public ActionConfig Action(ActionConfig action) => _actions[action.Name] = action;

    /// <summary>Adds a rule; its line is its number.</summary>
    public void Match(string? action, params Criterion[] criteria) =>
        _rules.Add(new RuleConfig { Action = action, Criteria = [.. criteria], At = new SourceSpan("smtpd.conf", _rules.Count + 1, 1) });

    /// <summary>The two rules of most configurations: local names to <c>local</c>, everything else, from here, to <c>out</c>.</summary>
    public void UsualRules()
    {
        Relay("out");
        Match("local", new Criterion(CriterionKind.FromLocal), new Criterion(CriterionKind.ForLocal));
        Match("out", new Criterion(CriterionKind.FromLocal), new Criterion(CriterionKind.ForAny));
    }

    public Task<string> Rcpt(string recipient, string client = "127.0.0.1", string from = "a@client.test") =>
        Rcpt(recipient, Client(client), from);

    /// <summary>The result in one line: targets with their address where it is not the recipient, or the reply.</summary>
    public async Task<string> Rcpt(string recipient, ClientInfo client, string from = "a@client.test") =>
        await Resolve(recipient, client, from) switch
        {
            RouteResult.Accepted accepted => string.Join("; ", accepted.Recipients.Select(r => Show(r, recipient)).Order(StringComparer.Ordinal)),
            RouteResult.Refused { Status.IsNone: true } refused => $"{refused.Code} {refused.Text}",
            RouteResult.Refused refused => $"{refused.Code} {refused.Status} {refused.Text}",
            _ => throw new InvalidOperationException(),
        };

    /// <summary>What the client shows in TLS.</summary>
    public ClientCertificate? Certificate { get; set; }

    public async Task<RouteResult> Resolve(string recipient, ClientInfo? client = null, string from = "a@client.test")
    {
        _router ??= Build();
        return await _router.ResolveAsync(
            new RouteQuery { Client = client ?? Client("127.0.0.1"), ReversePath = Address(from), Recipient = Address(recipient), Tls = Certificate is not null, ClientCertificate = Certificate }, CancellationToken.None);
    }

    public static ClientInfo Client(string address) =>
        new() { SessionId = 1, Address = address == "local" ? null : IPAddress.Parse(address), LocalUid = address == "local" ? 1000u : null, Helo = "client.test" };

    public static Criterion For(string table) => Of(CriterionKind.ForDomain, table);

    public static Criterion Of(CriterionKind kind, string table, bool regex = false) => new(kind, Values: new ValueList { Table = table, Regex = regex });

    public ValueTask<UserAnswer> FindAsync(string name, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_users.GetValueOrDefault(name, UserAnswer.NotFound.Instance));

    public ValueTask<UserAnswer> FindAsync(uint uid, CancellationToken cancellationToken) => ValueTask.FromResult<UserAnswer>(UserAnswer.NotFound.Instance);

    public ValueTask<ForwardFile> ReadAsync(string user, string detail, CancellationToken cancellationToken)
    {
        ForwardReads++;
        return ValueTask.FromResult(_forwards.GetValueOrDefault(user, ForwardFile.None.Instance));
    }

    private Router Build()
    {
        var config = new MailConfig
        {
            Dialect = Dialect,
            Source = "smtpd.conf",
            HostName = "mx.test",
            Tables = _tables.ToImmutableDictionary(),
            Actions = _actions.ToImmutableDictionary(),
            Rules = [.. _rules],
            Limits = Limits,
            AliasUser = AliasUser,
        };
        var own = new LocalAddresses(TimeProvider.System, () => [IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Parse("192.0.2.10")]);
        return new Router(config, new TableSet(config, this, TimeProvider.System, _ => { }), this, this, EventSink.Silent, own);
    }

    private static MailAddress Address(string text)
    {
        int at = text.LastIndexOf('@');
        return at < 0 ? new MailAddress(text, "") : new MailAddress(text[..at], text[(at + 1)..]);
    }

    private static string Show(Recipient recipient, string asked)
    {
        string target = recipient.Target switch
        {
            DeliveryTarget.User user => user.Name,
            DeliveryTarget.Command command => $"|{command.CommandLine} as {command.RunAs}",
            DeliveryTarget.File file => $"{file.Path} as {file.RunAs}",
            _ => recipient.Action,
        };
        if (recipient.Detail.Length > 0)
            target += "+" + recipient.Detail;
        return recipient.Address.ToString() == asked ? target : $"{target} <{recipient.Address}>";
    }
}
