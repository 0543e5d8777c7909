using System.Collections.Immutable;
using System.Net;
using System.Text;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>DNS out of a dictionary; names that are not in it do not exist.</summary>
internal sealed class FakeDns : IExchangerDns
{
    public Dictionary<string, ExchangerAnswer> Mx { get; } = new(StringComparer.OrdinalIgnoreCase);
    public Dictionary<string, AddressAnswer> Hosts { get; } = new(StringComparer.OrdinalIgnoreCase);

    public FakeDns MailBy(string domain, params (int Preference, string Name)[] exchangers)
    {
        Mx[domain] = new ExchangerAnswer(DnsFinding.Found, [.. exchangers.Select(e => new Exchanger(e.Preference, e.Name))]);
        return this;
    }

    public FakeDns Host(string name, params string[] addresses)
    {
        Hosts[name] = new AddressAnswer(DnsFinding.Found, [.. addresses.Select(IPAddress.Parse)]);
        Mx.TryAdd(name, new ExchangerAnswer(DnsFinding.NoRecords, []));
        return this;
    }

    public ValueTask<ExchangerAnswer> ExchangersAsync(string domain, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Mx.GetValueOrDefault(domain) ?? new ExchangerAnswer(DnsFinding.NoSuchName, []));

    public ValueTask<AddressAnswer> AddressesAsync(string host, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Hosts.GetValueOrDefault(host) ?? new AddressAnswer(DnsFinding.NoSuchName, []));
}

/// <summary>Tables out of a dictionary, key <c>table/key</c>.</summary>
internal sealed class FakeTables : IRelayTables
{
    public Dictionary<string, string> Rows { get; } = [];
    public Dictionary<string, RelayHost> RelayHosts { get; } = [];
    public string? Trouble { get; set; }

    public ValueTask<RelayTableAnswer> LookUpAsync(string table, string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new RelayTableAnswer(Rows.GetValueOrDefault(table + "/" + key), Trouble));

    public ValueTask<RelayHostAnswer> HostOfAsync(string table, string domain, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new RelayHostAnswer(RelayHosts.GetValueOrDefault(domain), Trouble));

    public ValueTask<IReadOnlyList<string>> ListAsync(string table, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<string>>([.. Rows.Keys.Where(k => k.StartsWith(table + "/", StringComparison.Ordinal)).Select(k => k[(table.Length + 1)..])]);
}

internal sealed class EventList : IEventReader
{
    public List<MailEvent> Events { get; } = [];

    public void On(MailEvent mailEvent)
    {
        lock (Events)
            Events.Add(mailEvent);
    }
}

internal sealed class TestBody(byte[] octets, int damagedFrom = int.MaxValue) : SpoolBody
{
    public override long Length => octets.Length;

    public override ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count = (int)Math.Min(buffer.Length, octets.Length - offset);
        if (offset + count > damagedFrom)
            throw new InvalidDataException("damaged");
        octets.AsSpan((int)offset, count).CopyTo(buffer.Span);
        return ValueTask.FromResult(count);
    }
}

internal sealed class TestJob : DeliveryJob
{
    private readonly byte[] _body;

    public TestJob(string body, string from, params string[] recipients) : this(Encoding.UTF8.GetBytes(body), from, recipients) { }

    public TestJob(byte[] body, string from, params string[] recipients)
    {
        _body = body;
        Envelope = new Envelope
        {
            Id = new MessageId(0x1122334455667788),
            Received = DateTimeOffset.UnixEpoch,
            ReversePath = Address(from),
            Recipients = [.. recipients.Select((r, i) => new Recipient { Key = (uint)i, Original = Address(r), Address = Address(r), Action = "out", Target = DeliveryTarget.Relay.Instance })],
            Client = new ClientInfo { SessionId = 1 },
            Size = body.Length,
        };
        Recipients = [.. Enumerable.Range(0, recipients.Length)];
    }

    public override Envelope Envelope { get; }
    public override IReadOnlyList<int> Recipients { get; }
    public override MailAddress ReversePath => Envelope.ReversePath;
    public override int Attempt => 0;
    public int DamagedFrom { get; init; } = int.MaxValue;
    public Dictionary<int, DeliveryOutcome> Outcomes { get; } = [];

    public TestJob With(Func<Envelope, Envelope> change) => new(this, change(Envelope));

    private TestJob(TestJob from, Envelope envelope)
    {
        _body = from._body;
        Envelope = envelope;
        Recipients = from.Recipients;
    }

    public override ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SpoolBody?>(new TestBody(_body, DamagedFrom));

    public override void Complete(int recipient, DeliveryOutcome outcome) => Assert.True(Outcomes.TryAdd(recipient, outcome), "completed twice");

    public override void CompleteRest(DeliveryOutcome outcome)
    {
        foreach (int recipient in Recipients)
            Outcomes.TryAdd(recipient, outcome);
    }

    public static MailAddress Address(string text)
    {
        int at = text.LastIndexOf('@');
        return text.Length == 0 ? MailAddress.Null : at < 0 ? new MailAddress(text, "") : new MailAddress(text[..at], text[(at + 1)..]);
    }
}

internal sealed class TestLane(NextHop nextHop, ActionConfig action, MailConfig config, IEnumerable<DeliveryJob> jobs) : DeliveryLane
{
    private readonly Queue<DeliveryJob> _jobs = new(jobs);

    public override NextHop NextHop => nextHop;
    public override ActionConfig Action => action;
    public override MailConfig Config => config;

    public override ValueTask<DeliveryJob?> TakeAsync(TimeSpan wait, CancellationToken cancellationToken) => ValueTask.FromResult(_jobs.TryDequeue(out DeliveryJob? job) ? job : null);
}

/// <summary>An agent with everything around it, and short time-outs.</summary>
internal sealed class RelayBench
{
    /// <summary>Long enough for a busy machine.</summary>
    private static readonly RelayTimeouts Patient = new()
    {
        Connect = TimeSpan.FromSeconds(60),
        Greeting = TimeSpan.FromSeconds(60),
        Hello = TimeSpan.FromSeconds(60),
        TlsHandshake = TimeSpan.FromSeconds(60),
        Authentication = TimeSpan.FromSeconds(60),
        Mail = TimeSpan.FromSeconds(60),
        Recipient = TimeSpan.FromSeconds(60),
        DataInitiation = TimeSpan.FromSeconds(60),
        DataBlock = TimeSpan.FromSeconds(60),
        DataTermination = TimeSpan.FromSeconds(60),
        Quit = TimeSpan.FromSeconds(1),
        Idle = TimeSpan.FromMilliseconds(300),
    };

    public RelayTimeouts Timeouts { get; set; } = Patient;

    /// <summary>Gives up soon at one step of <see cref="ScriptedPeer"/> only.</summary>
    public void GiveUpSoonAt(string step)
    {
        var soon = TimeSpan.FromMilliseconds(500);
        Timeouts = step switch
        {
            "connect" => Patient with { Greeting = soon },
            "ehlo" => Patient with { Hello = soon },
            "mail" => Patient with { Mail = soon },
            "rcpt" => Patient with { Recipient = soon },
            "data" => Patient with { DataInitiation = soon },
            "eod" or "bdat" => Patient with { DataTermination = soon },
            _ => Patient,
        };
    }

    public const string Message = "Subject: test\r\n\r\nHello.\r\n";
    private readonly EventSink _sink;

    public RelayBench() => _sink = new EventSink(TimeProvider.System, Events);

    public FakeDns Dns { get; } = new();
    public FakeTables Tables { get; } = new();
    public EventList Events { get; } = new();
    public MailConfig Config { get; set; } = new() { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "mx.home.test" };

    public EventSink Sink => _sink;

    public static RelayHost To(ScriptedPeer peer, TlsLevel? tls = TlsLevel.None, string? label = null, string host = "127.0.0.1") =>
        new() { Host = host, Port = peer.Port, Tls = tls, AuthLabel = label, Protocol = peer.Lmtp ? RelayProtocol.Lmtp : peer.ImplicitTls ? RelayProtocol.Smtps : RelayProtocol.Smtp };

    public static ActionConfig.Relay Via(params RelayHost[] hosts) => new() { Name = "out", At = SourceSpan.None, Hosts = [.. hosts] };

    public async Task<DeliveryOutcome> SendAsync(ActionConfig.Relay action, string body = Message, string to = "a@far.test")
    {
        var job = new TestJob(body, "bob@home.test", to);
        await SendAsync(action, job);
        return job.Outcomes[0];
    }

    /// <summary>Serves all that is sent, and so remembers; null makes a new one each time.</summary>
    public RemoteAgent? Agent { get; set; }

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public RemoteAgent NewAgent() => new(Dns, Tables, TlsMaterial.Anonymous, _sink, Clock, Timeouts);

    public static TlsPolicy Level(TlsLevel level) => new() { Level = level };

    public async Task SendAsync(ActionConfig.Relay action, params TestJob[] jobs)
    {
        RemoteAgent agent = Agent ?? NewAgent();
        NextHop hop = agent.NextHopOf(action, jobs[0].Envelope.Recipients[0], jobs[0].ReversePath);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await agent.ServeAsync(new TestLane(hop, action, Config, jobs), limit.Token);
        Assert.False(limit.IsCancellationRequested);
    }

    public static ImmutableArray<ListenerConfig> Listening(string address, int port) =>
        [new ListenerConfig { EndPoint = new IPEndPoint(IPAddress.Parse(address), port), Spec = address, At = SourceSpan.None, HostName = "mx.home.test" }];
}
