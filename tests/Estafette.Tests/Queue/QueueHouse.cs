using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Spool;

namespace Estafette.Tests.Queue;

/// <summary>A queue with its spool, a scripted agent and a manual clock; what a test sees of it are events, the spool and the agent's log.</summary>
internal sealed class QueueHouse : IEventReader, IAsyncDisposable
{
    private uint _key;
    private DateTimeOffset _start;
    private long _startStamp;

    public QueueHouse(ISpool? spool = null)
    {
        Spool = spool ?? new MemorySpool(Clock);
        Sink = new EventSink(Clock, this);
    }

    public ManualClock Clock { get; init; } = new();
    public ISpool Spool { get; }
    public EventSink Sink { get; }
    public ScriptedAgent Agent { get; init; } = new();
    public ConcurrentQueue<MailEvent> Events { get; } = new();
    public MailQueue Queue { get; private set; } = null!;

    /// <summary>Routing by maps; null where recipients know their action.</summary>
    public MapRouter? Maps { get; set; }

    public MailConfig Config { get; set; } = new()
    {
        Dialect = Dialect.OpenSmtpd,
        Source = "",
        HostName = "mx.test",
        Actions = ImmutableDictionary<string, ActionConfig>.Empty.Add("out", new ActionConfig.Relay { Name = "out", At = SourceSpan.None }),
        Retry = new RetryConfig { WarnAfter = [] },
    };

    /// <summary>Where notifications go: by default to the address through action "out".</summary>
    public Func<RouteQuery, RouteResult>? Route { get; set; }

    public void On(MailEvent mailEvent) => Events.Enqueue(mailEvent);

    public MailQueue Start()
    {
        _start = Clock.GetUtcNow();
        _startStamp = Clock.GetTimestamp();
        Queue = Build();
        Queue.Start();
        return Queue;
    }

    public MailQueue Build() => new(Spool, [Agent], new QueueRouting(() => Config, (query, _) => new(Resolve(query)), () => Maps), Sink, Clock);

    public Recipient To(string address, DsnNotify notify = DsnNotify.Unspecified) => new()
    {
        Key = Interlocked.Increment(ref _key),
        Original = Parse(address),
        Address = Parse(address),
        Action = "out",
        Target = DeliveryTarget.Relay.Instance,
        Notify = notify,
    };

    public Task<MessageId> SendAsync(string from, params string[] to) => SendAsync(from, [.. to.Select(address => To(address))]);

    public async Task<MessageId> SendAsync(string from, ImmutableArray<Recipient> to, Func<Envelope, Envelope>? change = null)
    {
        await using IntakeMessage message = Queue.Intake.Begin();
        await message.WriteAsync(Encoding.ASCII.GetBytes("Subject: hello\r\n\r\nbody\r\n"), CancellationToken.None);
        var envelope = new Envelope
        {
            Id = message.Id,
            Received = Clock.GetUtcNow(),
            ReversePath = Parse(from),
            Recipients = to,
            Client = new ClientInfo { SessionId = 1 },
        };
        Assert.Equal(SpoolStatus.Ok, await message.CommitAsync(change?.Invoke(envelope) ?? envelope, CancellationToken.None));
        return message.Id;
    }

    /// <summary>Waits, in real time, for what other threads bring about.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        long deadline = Environment.TickCount64 + 60_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "not in time: " + what);
            await Task.Delay(2);
        }
    }

    /// <summary>Until nothing is under way.</summary>
    public Task Quiet() => Until(() => Queue.ActiveMessages == 0 && !(Spool.NextDue <= _start + Clock.GetElapsedTime(_startStamp)), "quiet");

    /// <summary>Moves the clock step by step, with the queue at rest between steps.</summary>
    public async Task Pass(TimeSpan time, TimeSpan step)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += step)
        {
            Clock.Advance(step);
            await Quiet();
        }
    }

    public int Delivered(string recipient) => Events.OfType<DeliveryAttempted>().Count(e => e.Recipient.Address.ToString() == recipient && e.Outcome.Kind is OutcomeKind.Delivered or OutcomeKind.Relayed);

    public async Task<string> BodyOf(MessageId id)
    {
        using SpoolBody? body = await Spool.OpenBodyAsync(id, CancellationToken.None);
        Assert.NotNull(body);
        byte[] octets = new byte[body.Length];
        int read = await body.ReadAsync(0, octets, CancellationToken.None);
        return Encoding.UTF8.GetString(octets, 0, read);
    }

    public static MailAddress Parse(string address)
    {
        int at = address.LastIndexOf('@');
        return at < 0 ? new MailAddress(address, "") : new MailAddress(address[..at], address[(at + 1)..]);
    }

    /// <summary>The drain time passes on the manual clock, so that a failed test ends too.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Queue is null)
            return;
        Task stop = Queue.StopAsync();
        while (await Task.WhenAny(stop, Task.Delay(5)) != stop)
            Clock.Advance(TimeSpan.FromSeconds(1));
        await Queue.DisposeAsync();
    }

    private RouteResult Resolve(RouteQuery query) => Route?.Invoke(query) ?? new RouteResult.Accepted([To(query.Recipient.ToString())], SourceSpan.None);
}
