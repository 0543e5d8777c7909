using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using global::Estafette.Config.Model;
using global::Estafette.Dns;
using global::Estafette.Events;
using global::Estafette.Mail;
using global::Estafette.Policy;
using global::Estafette.Policy.Restrictions;
using global::Estafette.Routing;
using global::Estafette.Smtpd;
using global::Estafette.Tables;

namespace Estafette.Tests.Smtpd;

/// <summary>A whole reception in this process: a real Kestrel on a loopback port and a Unix socket, routing that knows alice and bob, an intake that collects.</summary>
internal sealed class ReceptionHost : IAsyncDisposable
{
    private static readonly SourceSpan s_at = new("smtpd.conf", 7, 1);
    private static readonly Resolver s_noDns = new(new ResolverSettings { Servers = [new IPEndPoint(IPAddress.Loopback, 9)] }, TimeProvider.System);
    private readonly string _folder = Directory.CreateTempSubdirectory("reception").FullName;
    private readonly Recorder _recorder = new();
    private readonly BoundListener _network;
    private readonly BoundListener _local;
    private readonly SmtpServer _server;
    private volatile SmtpdServices _services;

    private ReceptionHost(ReceptionSettings settings)
    {
        _network = BoundListener.Network(new IPEndPoint(IPAddress.Loopback, 0));
        _local = BoundListener.Local(Path.Combine(_folder, "submission.sock"));
        Events = new EventSink(TimeProvider.System, _recorder);
        _services = Build(settings);
        _server = new SmtpServer(() => _services, Intake, Events, settings.Reverse ?? ((_, _) => ValueTask.FromResult(new global::Estafette.Smtpd.ReverseName("client.test", true))), TimeProvider.System);
    }

    public IPEndPoint Address => _network.Address!;
    public string LocalPath => Path.Combine(_folder, "submission.sock");
    public CollectingIntake Intake { get; } = new();
    public EventSink Events { get; }
    public IEnumerable<MailEvent> Published => _recorder.Events;
    public SmtpServer Server => _server;

    public static async Task<ReceptionHost> StartAsync(ReceptionSettings? settings = null)
    {
        var host = new ReceptionHost(settings ?? new ReceptionSettings());
        await host._server.StartAsync([host._network, host._local], CancellationToken.None);
        return host;
    }

    public void Reload(ReceptionSettings settings) => _services = Build(settings);

    public Task<SmtpPeer> ConnectAsync() => SmtpPeer.ConnectAsync(Address);

    public Task<SmtpPeer> ConnectLocalAsync() => SmtpPeer.ConnectAsync(LocalPath);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _network.Socket.Dispose();
        _local.Socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private SmtpdServices Build(ReceptionSettings settings)
    {
        var listener = new ListenerConfig { EndPoint = _network.Address!, Spec = "127.0.0.1", At = s_at, HostName = "mx.test" };
        if (settings.Listener is not null)
            listener = settings.Listener(listener);
        var config = new MailConfig
        {
            Dialect = settings.Dialect,
            Source = "smtpd.conf",
            HostName = "mx.test",
            Listeners = settings.WithoutListener ? [] : [listener],
            Limits = settings.Limits,
            LocalSubmission = settings.LocalSubmission,
            Tables = settings.Tables.ToImmutableDictionary(t => t.Name),
            TrustAnchors = settings.Anchors.ToImmutableDictionary(),
            Filters = settings.Filters.ToImmutableDictionary(f => f.Name),
            Identities = ImmutableDictionary<string, IdentityConfig>.Empty.Add("mx.test", new IdentityConfig("mx.test", "", "", s_at)),
        };
        var tables = new TableSet(config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
        return new SmtpdServices
        {
            Config = config,
            Tables = tables,
            Users = settings.Users,
            Policy = new SessionPolicy(config, tables),
            Route = settings.Route ?? Route,
            SystemLogin = settings.SystemLogin,
            Classify = Classify,
            Restrictions = config.Listeners.Select(l => l.Smtpd).OfType<SmtpdConfig>().ToFrozenDictionary(c => c, c => new RestrictionEngine(
                c, new RestrictionServices { Tables = tables, Dns = settings.Dns ?? s_noDns, Classify = Classify, HostName = "mx.test" }, TimeProvider.System)),
            Certificates = ServerCertificates.FromPem(config, settings.Identities.Concat(settings.Tls is { } pem ? [pem] : []), out _),
        };
    }

    /// <summary>The class of mx.test is local, with alice, bob and postmaster in it; relay.test is relayed for.</summary>
    private static ValueTask<AddressStanding> Classify(AddressQuery query, CancellationToken cancellationToken)
    {
        MailAddress address = query.Address.Domain.Length == 0 ? query.Address with { Domain = "mx.test" } : query.Address;
        AddressClass kind = address.Domain.ToLowerInvariant() switch { "mx.test" => AddressClass.Local, "relay.test" => AddressClass.Relay, _ => AddressClass.Default };
        bool known = kind != AddressClass.Local || address.LocalPart.Split('+')[0].ToLowerInvariant() is "alice" or "bob" or "postmaster" or "a b";
        return ValueTask.FromResult(new AddressStanding(address, kind, known ? AddressExistence.Known : AddressExistence.Unknown));
    }

    private static ValueTask<RouteResult> Route(RouteQuery query, CancellationToken cancellationToken)
    {
        bool known = query.Recipient.Domain.Equals("mx.test", StringComparison.OrdinalIgnoreCase) && query.Recipient.LocalPart is "alice" or "bob" or "postmaster" or "a b";
        RouteResult result = known
            ? new RouteResult.Accepted([new Recipient
            {
                Key = 1, Original = query.Recipient, Address = query.Recipient, Action = "local", Target = new DeliveryTarget.User(query.Recipient.LocalPart),
                Notify = query.Notify, DsnOriginalRecipient = query.DsnOriginalRecipient,
            }], s_at)
            : new RouteResult.Refused(RefusalReason.UnknownUser, 550, default, $"Invalid recipient: <{query.Recipient}>", s_at);
        return ValueTask.FromResult(result);
    }

    private sealed class Recorder : IEventReader
    {
        public ConcurrentQueue<MailEvent> Events { get; } = new();

        public void On(MailEvent mailEvent) => Events.Enqueue(mailEvent);
    }
}

internal sealed record ReceptionSettings
{
    public Dialect Dialect { get; init; } = Dialect.OpenSmtpd;
    public LimitsConfig Limits { get; init; } = new();
    public Func<ListenerConfig, ListenerConfig>? Listener { get; init; }
    public bool WithoutListener { get; init; }
    public IdentityPem? Tls { get; init; }

    /// <summary>More certificates, before <see cref="Tls"/>.</summary>
    public IReadOnlyList<IdentityPem> Identities { get; init; } = [];

    /// <summary>Trust anchors and their files.</summary>
    public IReadOnlyDictionary<string, string> Anchors { get; init; } = new Dictionary<string, string>();
    public IReadOnlyList<TableConfig> Tables { get; init; } = [];
    public IReadOnlyList<FilterConfig> Filters { get; init; } = [];
    public IUserDatabase Users { get; init; } = new SystemUsers(TimeProvider.System);
    public LocalSubmissionConfig LocalSubmission { get; init; } = new();
    public RouteResolver? Route { get; init; }
    public SystemLogin? SystemLogin { get; init; }
    public global::Estafette.Smtpd.ReverseLookup? Reverse { get; init; }
    public Resolver? Dns { get; init; }
}
