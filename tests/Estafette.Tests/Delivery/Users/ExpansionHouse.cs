using Estafette.Config.Model;
using Estafette.Delivery.Users;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Spool;
using Estafette.Tables;
using Estafette.Tests.Delivery.Remote;
using Estafette.Tests.Routing.Maps;

namespace Estafette.Tests.Delivery.Users;

/// <summary>local(8)'s look at a recipient, over the text of a main.cf and forward files in memory; each leaf as one line of text.</summary>
internal sealed class ExpansionHouse
{
    private readonly MapHouse _house;
    private readonly TableSet _tables;

    public ExpansionHouse(string main)
    {
        _house = new MapHouse(main);
        _tables = new TableSet(_house.Config, _house, TimeProvider.System, static _ => { });
        Action = (ActionConfig.LocalUsers)_house.Config.Actions["local"];
    }

    public ActionConfig.LocalUsers Action { get; }

    /// <summary>By <c>user</c>, <c>user+extension</c>, or the path of an included file.</summary>
    public Dictionary<string, ForwardFile> Forwards { get; } = [];
    public IEnumerable<string> Warnings => _house.Warnings;

    public string Expand(string recipient, string header = "") => string.Join("; ", Leaves(recipient, header).Select(Line));

    public IReadOnlyList<LocalLeaf> Leaves(string recipient, string header = "")
    {
        MailAddress address = _house.Address(recipient);
        var to = new Recipient { Key = 1, Original = address, Address = address, Action = "local", Target = DeliveryTarget.Relay.Instance };
        var envelope = new Envelope
        {
            Id = new MessageId(7),
            Received = DateTimeOffset.UnixEpoch,
            ReversePath = new MailAddress("from", "away.test"),
            Recipients = [to],
            Client = new ClientInfo { SessionId = 1 },
        };
        DeliveredToFields seen = DeliveredToFields.ReadAsync(new TestBody(System.Text.Encoding.ASCII.GetBytes(header + "\r\nbody\r\n")), CancellationToken.None).AsTask().Result;
        var services = new LocalUserServices(() => _tables, _house, ReadAsync, ResolveAsync, () => []) { Events = new EventSink(TimeProvider.System, _house) };
        return new LocalExpansion(services, Action, _house.Config, seen, new LocalEnvelopes("local", envelope, to, "+")).ExpandAsync(address, envelope.ReversePath, CancellationToken.None).AsTask().Result;
    }

    public static string Line(LocalLeaf leaf) => leaf switch
    {
        LocalLeaf.Mailbox mailbox => "mailbox " + mailbox.Envelope.User,
        LocalLeaf.Target target => $"{target.Envelope.Source} {target.Envelope.User} {(target.What.Kind == TargetKind.Command ? "|" : "")}{target.What.Text}",
        LocalLeaf.Onward onward => $"onward {onward.At.Address} from {onward.At.Sender}{(onward.At.IsList ? " as list" : "")}",
        LocalLeaf.Passed passed => $"passed {passed.Transport}:{passed.NextHop} {passed.At.Address}",
        LocalLeaf.Decided decided => $"{decided.Outcome.Kind} {decided.Outcome.Status} {decided.Outcome.Text}",
        _ => "?",
    };

    private ValueTask<ForwardFile> ReadAsync(LocalEnvelope question, CancellationToken cancellationToken)
    {
        if (question.Target.Length > 0)
        {
            string? path = Forwards.Keys.FirstOrDefault(k => LocalActions.DigestOf(new LocalTarget(false, ":include:" + k)) == question.Target);
            return ValueTask.FromResult(path is null ? ForwardFile.None.Instance : Forwards[path]);
        }
        return ValueTask.FromResult(Forwards.GetValueOrDefault(question.User + "+" + question.Detail) ?? Forwards.GetValueOrDefault(question.User) ?? ForwardFile.None.Instance);
    }

    private async ValueTask<AddressStanding?> ResolveAsync(string address, CancellationToken cancellationToken)
    {
        Resolution way = await _house.Router.ResolveAsync(_house.Router.Rewriter.Read(address, RewriteContext.Local), MailAddress.Null, cancellationToken);
        return way.Problem switch
        {
            ResolutionProblem.Unavailable => null,
            ResolutionProblem.Malformed => new AddressStanding(way.Address, way.Class, AddressExistence.Unknown),
            _ => new AddressStanding(way.Address, way.Class, AddressExistence.Known) { Transport = way.Action, NextHop = way.NextHop },
        };
    }
}
