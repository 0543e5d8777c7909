using System.Collections.Concurrent;
using System.Net;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Tables;
using Estafette.Tests.Config;
using Estafette.Tests.Config.Postfix;

namespace Estafette.Tests.Routing.Maps;

/// <summary>Routing by maps over the text of a main.cf, with tables written into it (<c>inline:</c>), four users, and a few words to ask it with.</summary>
internal sealed class MapHouse : IUserDatabase, IEventReader
{
    private const string Usual = """
        compatibility_level = 3.6
        myhostname = mx.here.test
        mydomain = here.test
        mydestination = $myhostname, here.test, localhost
        inet_interfaces = 127.0.0.1
        alias_maps = inline:{ list=alice }
        recipient_delimiter = +

        """;

    private readonly ConcurrentQueue<MailEvent> _events = new();

    public MapHouse(string main = "")
    {
        Config = MainCfText.Config(Usual + main, machine: new MachineInMemory { HostName = "mx.here.test", NodeName = "mx.here.test" });
        Router = RouterFor(Config);
    }

    public MapRouter RouterFor(MailConfig config) =>
        new(config, new TableSet(config, this, TimeProvider.System, static _ => { }), new EventSink(TimeProvider.System, this), new LocalAddresses(TimeProvider.System, () => [IPAddress.Loopback]));

    public MailConfig Config { get; }
    public MapRouter Router { get; }
    public bool UsersFail { get; set; }
    public IEnumerable<string> Warnings => _events.OfType<OperatorWarning>().Select(e => e.Text);

    public void On(MailEvent mailEvent) => _events.Enqueue(mailEvent);

    /// <summary>Reads an address as it is written.</summary>
    public MailAddress Address(string written) => Router.Rewriter.Read(written, RewriteContext.Local);

    public Resolution Resolve(string written, string sender = "from@away.test") => Router.ResolveAsync(Address(written), sender == "" ? MailAddress.Null : Address(sender), CancellationToken.None).AsTask().Result;

    /// <summary><c>action:nexthop</c>, or the problem.</summary>
    public string Way(string written, string sender = "from@away.test")
    {
        Resolution way = Resolve(written, sender);
        return way.Problem == ResolutionProblem.None ? way.Action + ":" + way.NextHop : way.Problem.ToString();
    }

    /// <summary>The recipients of the queue, in order.</summary>
    public string Recipients(params string[] given) => string.Join(", ", Envelope("from@away.test", given).Recipients.Select(r => r.Address));

    public string Sender(string given) => Envelope(given, "to@away.test").ReversePath.ToString();

    public EnvelopeRewriting.Rewritten Envelope(string from, params string[] to) => Assert.IsType<EnvelopeRewriting.Rewritten>(Rewrite(Draft(from, to)));

    public EnvelopeRewriting.Refused Refused(params string[] to) => Assert.IsType<EnvelopeRewriting.Refused>(Rewrite(Draft("from@away.test", to)));

    public EnvelopeRewriting Rewrite(EnvelopeDraft draft) => Router.RewriteAsync(draft, CancellationToken.None).AsTask().Result;

    /// <summary>What a session has: nothing is completed yet.</summary>
    public static EnvelopeDraft Draft(string from, params string[] to) => new() { ReversePath = Raw(from), Recipients = [.. to.Select(one => new DraftRecipient(Raw(one)))] };

    public AddressStanding Standing(string written, AddressRole role = AddressRole.Recipient) => Router.StandingAsync(Raw(written), MailAddress.Null, role, CancellationToken.None).AsTask().Result;

    public static MailAddress Raw(string address)
    {
        int at = address.LastIndexOf('@');
        return at < 0 ? new MailAddress(address, "") : new MailAddress(address[..at].Trim('"'), address[(at + 1)..]);
    }

    ValueTask<UserAnswer> IUserDatabase.FindAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult<UserAnswer>(
        UsersFail ? new UserAnswer.Unavailable("the name service is down")
        : name is "alice" or "bob" or "carol" or "root" ? new UserAnswer.Found(new UserRecord(name, 1000, 1000, "/home/" + name)) : UserAnswer.NotFound.Instance);

    ValueTask<UserAnswer> IUserDatabase.FindAsync(uint uid, CancellationToken cancellationToken) => ValueTask.FromResult<UserAnswer>(UserAnswer.NotFound.Instance);
}
