using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Spool;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>
/// The real privileged process and the daemon's agent, with a lane that the test feeds. As root the users are uids of their own from a user table, with homes in the test's
/// folder; as an ordinary user every name is that user.
/// </summary>
internal sealed class LocalDeliveryRig : IAsyncDisposable
{
    private uint _nextKey = 1;

    private LocalDeliveryRig(TemporaryFolder folder, MailConfig config, LocalProcess process, LocalConnections connections)
    {
        Folder = folder;
        Config = config;
        Process = process;
        Connections = connections;
        Agent = new LocalAgent(connections);
    }

    public static bool IsRoot => Environment.IsPrivilegedProcess;
    public static uint OwnUid { get; } = uint.Parse(Command.RunAsync("/usr/bin/id", ["-u"]).GetAwaiter().GetResult().Output, CultureInfo.InvariantCulture);
    public static uint UserUid => IsRoot ? 54321 : OwnUid;

    public TemporaryFolder Folder { get; }
    public MailConfig Config { get; }
    public LocalProcess Process { get; }
    public LocalConnections Connections { get; }
    public LocalAgent Agent { get; }
    public string SocketPath => Folder["local.sock"];
    public string Home => Folder["home/tester"];

    public static async Task<LocalDeliveryRig> StartAsync(LocalMethod method, Func<MailConfig, MailConfig>? change = null, IEnumerable<string>? aliasTargets = null, uint? daemonUid = null)
    {
        var folder = new TemporaryFolder();
        string home = Directory.CreateDirectory(folder["home/tester"]).FullName;
        await Command.RunAsync("/bin/chown", [UserUid.ToString(CultureInfo.InvariantCulture), home]);
        var action = new ActionConfig.Local { Name = "local", At = SourceSpan.None, Method = method, UserTable = "users" };
        var config = new MailConfig { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "mx.conform.test", Actions = ImmutableDictionary<string, ActionConfig>.Empty.Add("local", action) };
        config = change?.Invoke(config) ?? config;
        var user = new LocalUser("tester", UserUid, UserUid, home);
        var root = new LocalUser("root", 0, 0, home);
        LocalActions actions = LocalActionsCompiler.Compile(config, aliasTargets ?? [], [("users", user), ("users", root)], name => name == "nobody");
        LocalActionsFile.Write(folder["actions"], actions);
        LocalProcess process = await LocalProcess.StartAsync(new LocalProcessOptions(folder["local.sock"], folder["actions"], daemonUid ?? OwnUid), EventSink.Silent, CancellationToken.None);
        return new LocalDeliveryRig(folder, config, process, new LocalConnections(folder["local.sock"], TimeProvider.System));
    }

    public Recipient Recipient(DeliveryTarget? target = null, string original = "tester@conform.test") => new()
    {
        Key = _nextKey++,
        Original = Address(original),
        Address = Address(original),
        Action = "local",
        Target = target ?? new DeliveryTarget.User("tester"),
    };

    public async Task<DeliveryOutcome> DeliverAsync(string message, Recipient? recipient = null, string sender = "a@client.test") =>
        (await DeliverAsync([new RigJob(message, recipient ?? Recipient(), Address(sender))])).Single();

    public async Task<IReadOnlyList<DeliveryOutcome>> DeliverAsync(IReadOnlyList<RigJob> jobs)
    {
        var lane = new RigLane(Config, (ActionConfig.Local)Config.Actions["local"], jobs);
        await Agent.ServeAsync(lane, CancellationToken.None);
        return [.. jobs.Select(j => j.Outcome ?? throw new InvalidOperationException("a job was left without an outcome"))];
    }

    public static MailAddress Address(string text) => text.Length == 0 ? MailAddress.Null : new MailAddress(text[..text.LastIndexOf('@')], text[(text.LastIndexOf('@') + 1)..]);

    public string[] NewMail(string maildir = "Maildir") =>
        Directory.Exists(Path.Combine(Home, maildir, "new")) ? Directory.GetFiles(Path.Combine(Home, maildir, "new")) : [];

    public async ValueTask DisposeAsync()
    {
        await Connections.DisposeAsync();
        await Process.DisposeAsync();
        Folder.Dispose();
    }

    private sealed class RigLane(MailConfig config, ActionConfig action, IReadOnlyList<RigJob> jobs) : DeliveryLane
    {
        private int _next;

        public override NextHop NextHop => new("local", "tester", "local");
        public override ActionConfig Action => action;
        public override MailConfig Config => config;

        public override ValueTask<DeliveryJob?> TakeAsync(TimeSpan wait, CancellationToken cancellationToken) =>
            ValueTask.FromResult<DeliveryJob?>(_next < jobs.Count ? jobs[_next++] : null);
    }
}

internal sealed class RigJob : DeliveryJob
{
    private readonly byte[] _message;

    public RigJob(string message, Recipient recipient, MailAddress sender)
    {
        _message = Encoding.UTF8.GetBytes(message);
        ReversePath = sender;
        Envelope = new Envelope
        {
            Id = new MessageId(1),
            Received = DateTimeOffset.UtcNow,
            ReversePath = sender,
            Recipients = [recipient],
            Client = new ClientInfo { SessionId = 1 },
            Size = _message.Length,
        };
    }

    public DeliveryOutcome? Outcome { get; private set; }

    /// <summary>Octets after which the stored message turns out to be damaged.</summary>
    public long DamagedFrom { get; init; } = long.MaxValue;
    public override Envelope Envelope { get; }
    public override IReadOnlyList<int> Recipients => [0];
    public override MailAddress ReversePath { get; }
    public override int Attempt => 0;

    public override ValueTask<SpoolBody?> OpenBodyAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SpoolBody?>(new Body(_message, DamagedFrom));

    public override void Complete(int recipient, DeliveryOutcome outcome)
    {
        Assert.Null(Outcome);
        Outcome = outcome;
    }

    public override void CompleteRest(DeliveryOutcome outcome) => Outcome ??= outcome;

    private sealed class Body(byte[] octets, long damagedFrom) : SpoolBody
    {
        public override long Length => octets.Length;

        public override ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (offset + buffer.Length > damagedFrom)
                throw new InvalidDataException("damaged");
            int count = (int)Math.Min(buffer.Length, octets.Length - offset);
            octets.AsMemory((int)offset, count).CopyTo(buffer);
            return ValueTask.FromResult(count);
        }
    }
}
