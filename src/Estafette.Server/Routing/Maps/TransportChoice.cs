using System.Collections.Concurrent;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>
/// The class of an address and the way it goes (ADDRESS_CLASS_README, trivial-rewrite(8)): <c>transport_maps</c> over what the class says, <c>relocated_maps</c> over both. A domain that is listed in two
/// classes belongs to the first of local, virtual alias, virtual mailbox, relay, and the operator is told.
/// </summary>
internal sealed class TransportChoice
{
    /// <summary>Domains whose clash is remembered as told.</summary>
    private const int MaximumTold = 1000;

    private readonly TransportMaps _maps;
    private readonly AddressClasses _classes;
    private readonly TableSet _tables;
    private readonly EventSink _events;
    private readonly DomainList _aliases;
    private readonly DomainList _mailboxes;
    private readonly DomainList _relay;
    private readonly TransportName _local, _virtual, _relaying, _default, _unknownAlias;
    private readonly bool _isPlain;
    private readonly AddressLookup _transportLookup, _addressLookup;
    private readonly ConcurrentDictionary<string, bool> _checked = new(StringComparer.OrdinalIgnoreCase);

    public TransportChoice(MapRouting maps, TableSet tables, EventSink events, OwnDomainTest isOwn)
    {
        _maps = maps.Transports;
        _classes = maps.Classes;
        _tables = tables;
        _events = events;
        _aliases = new DomainList(maps.Classes.VirtualAlias, tables, subdomains: false);
        _mailboxes = new DomainList(maps.Classes.VirtualMailbox, tables, subdomains: false);
        _relay = new DomainList(maps.Classes.Relay, tables, subdomains: true);
        _local = TransportName.Parse(_maps.Local);
        _virtual = TransportName.Parse(_maps.VirtualMailbox);
        _relaying = TransportName.Parse(_maps.Relay);
        _default = TransportName.Parse(_maps.Default);
        _unknownAlias = new TransportName(TransportName.Error, _classes.NamesTable ? "5.1.1 User unknown in virtual alias table" : "5.1.1 User unknown");
        _isPlain = _maps is { Maps.IsEmpty: true, Relocated.IsEmpty: true, SenderRelayHosts.IsEmpty: true, SenderDefaults.IsEmpty: true } && _aliases.IsSet && _mailboxes.IsSet && _relay.IsSet;
        string delimiters = maps.Rewriting.RecipientDelimiters;
        _transportLookup = new AddressLookup(tables, AddressKeys.Transport | (_maps.ParentMatches ? AddressKeys.Parents : AddressKeys.DotParents), delimiters, isOwn) { Use = MapUse.NoSubstitution };
        _addressLookup = new AddressLookup(tables, AddressKeys.Default, delimiters, isOwn);
    }

    /// <summary>The answer where no table has a say; false where one has, or where a domain is met for the first time that may be in two classes.</summary>
    public bool TryChoose(MailAddress address, bool isLocal, out Resolution resolution)
    {
        resolution = default;
        if (!_isPlain)
            return false;
        string domain = address.Domain;
        AddressClass @class = isLocal ? AddressClass.Local
            : _aliases.Contains(domain) ? AddressClass.VirtualAlias
            : _mailboxes.Contains(domain) ? AddressClass.VirtualMailbox
            : _relay.Contains(domain) ? AddressClass.Relay : AddressClass.Default;
        if (@class != AddressClass.Default && !_checked.ContainsKey(domain) && _checked.Count < MaximumTold)
            return false;
        Way way = @class is AddressClass.Relay or AddressClass.Default ? Away(@class, _maps.RelayHost.Length > 0 ? _maps.RelayHost : domain) : Here(@class, domain);
        resolution = Resolved(address, @class, way);
        return true;
    }

    public async ValueTask<Resolution> ChooseAsync(MailAddress address, bool isLocal, MailAddress sender, CancellationToken cancellationToken)
    {
        Found<AddressClass> found = isLocal ? new(AddressClass.Local) : await ClassAsync(address.Domain, cancellationToken);
        if (found.Failure is not null)
            return AddressResolver.Unavailable(address, found.Failure);
        AddressClass @class = found.Value;
        if (@class != AddressClass.Default)
            await TellClashAsync(address.Domain, @class, cancellationToken);

        Found<Way> way = @class is AddressClass.Relay or AddressClass.Default ? await AwayAsync(address.Domain, @class, sender, cancellationToken) : new(Here(@class, address.Domain));
        if (way.Failure is null && @class != AddressClass.VirtualAlias && !_maps.Maps.IsEmpty)
            way = await TransportAsync(address, way.Value, cancellationToken);
        if (way.Failure is null && !_maps.Relocated.IsEmpty)
            way = await RelocatedAsync(address, way.Value, cancellationToken);
        if (way.Failure is not null)
            return AddressResolver.Unavailable(address, way.Failure);
        return Resolved(address, @class, way.Value);
    }

    private static Resolution Resolved(MailAddress address, AddressClass @class, Way way) =>
        new() { Address = address, Class = @class, Action = way.Transport.Action, NextHop = way.Transport.NextHop, DecidedBy = way.DecidedBy, Reason = "" };

    private Way Here(AddressClass @class, string domain) => @class switch
    {
        AddressClass.Local => Of(_local, domain, "local_transport"),
        AddressClass.VirtualAlias => new Way(_unknownAlias, "virtual_alias_domains"),
        _ => Of(_virtual, domain, "virtual_transport"),
    };

    private Way Away(AddressClass @class, string nextHop) => @class == AddressClass.Relay ? Of(_relaying, nextHop, "relay_transport") : Of(_default, nextHop, "default_transport");

    private async ValueTask<Found<AddressClass>> ClassAsync(string domain, CancellationToken cancellationToken)
    {
        ListAnswer answer = await _aliases.ContainsAsync(domain, cancellationToken);
        if (answer.IsUnavailable || answer.IsMatch)
            return new(AddressClass.VirtualAlias, Failure("virtual_alias_domains", answer));
        answer = await _mailboxes.ContainsAsync(domain, cancellationToken);
        if (answer.IsUnavailable || answer.IsMatch)
            return new(AddressClass.VirtualMailbox, Failure("virtual_mailbox_domains", answer));
        answer = await _relay.ContainsAsync(domain, cancellationToken);
        return new(answer.IsMatch ? AddressClass.Relay : AddressClass.Default, Failure("relay_domains", answer));
    }

    /// <summary>What leaves this machine: by class or sender to a transport, and to the relay host of the sender or of all, where there is one.</summary>
    private async ValueTask<Found<Way>> AwayAsync(string domain, AddressClass @class, MailAddress sender, CancellationToken cancellationToken)
    {
        TransportName transport = _relaying;
        string decidedBy = "relay_transport";
        if (@class == AddressClass.Default)
        {
            (transport, decidedBy) = (_default, "default_transport");
            if (!_maps.SenderDefaults.IsEmpty)
            {
                Found<string> own = await BySenderAsync("sender_dependent_default_transport_maps", sender, cancellationToken);
                if (own.Failure is not null)
                    return new(default, own.Failure);
                if (own.Value is not null)
                    (transport, decidedBy) = (TransportName.Parse(own.Value), "sender_dependent_default_transport_maps");
            }
        }
        string nextHop = _maps.RelayHost.Length > 0 ? _maps.RelayHost : domain;
        if (!_maps.SenderRelayHosts.IsEmpty)
        {
            Found<string> own = await BySenderAsync("sender_dependent_relayhost_maps", sender, cancellationToken);
            if (own.Failure is not null)
                return new(default, own.Failure);
            nextHop = own.Value ?? (own.Dunno ? domain : nextHop);
        }
        return new(Of(transport, nextHop, decidedBy));
    }

    /// <summary>A row for the sender. <c>DUNNO</c> is one that says nothing, and ends the search.</summary>
    private async ValueTask<Found<string>> BySenderAsync(string parameter, MailAddress sender, CancellationToken cancellationToken)
    {
        bool relayHost = parameter == "sender_dependent_relayhost_maps";
        if (sender.IsNull)
            sender = new MailAddress(relayHost ? _maps.NullSenderRelayHostKey : _maps.NullSenderDefaultKey, "");
        TableAnswer answer = (await _addressLookup.FindAsync(relayHost ? _maps.SenderRelayHosts : _maps.SenderDefaults, sender, cancellationToken)).Answer;
        return answer switch
        {
            TableAnswer.Found { Value: var value } when value.Equals("DUNNO", StringComparison.OrdinalIgnoreCase) => new(null!, null, Dunno: true),
            TableAnswer.Found { Value: var value } => new(value),
            TableAnswer.Unavailable { Reason: var reason } => new(null!, parameter + " lookup failure: " + reason),
            _ => new(null!),
        };
    }

    private async ValueTask<Found<Way>> TransportAsync(MailAddress address, Way way, CancellationToken cancellationToken)
    {
        TableAnswer answer = (await _transportLookup.FindAsync(_maps.Maps, address, cancellationToken)).Answer;
        if (answer is TableAnswer.NotFound)
            answer = await _tables.FindAsync(_maps.Maps, "*", MapUse.Partial, cancellationToken);
        return answer switch
        {
            TableAnswer.Found found => new(new Way(TransportName.Parse(found.Value).Over(way.Transport, address.Domain), "transport_maps")),
            TableAnswer.Unavailable unavailable => new(default, "transport_maps lookup failure: " + unavailable.Reason),
            _ => new(way),
        };
    }

    private async ValueTask<Found<Way>> RelocatedAsync(MailAddress address, Way way, CancellationToken cancellationToken) =>
        (await _addressLookup.FindAsync(_maps.Relocated, address, cancellationToken)).Answer switch
        {
            TableAnswer.Found found => new(new Way(new TransportName(TransportName.Error, "5.1.6 User has moved to " + found.Value), "relocated_maps")),
            TableAnswer.Unavailable unavailable => new(default, "relocated_maps lookup failure: " + unavailable.Reason),
            _ => new(way),
        };

    private static Way Of(TransportName transport, string domain, string decidedBy) =>
        new(transport.NextHop.Length > 0 ? transport : transport with { NextHop = domain }, decidedBy);

    private static string? Failure(string list, ListAnswer answer) => answer.IsUnavailable ? list + " lookup failure: " + answer.Failure : null;

    private async ValueTask TellClashAsync(string domain, AddressClass @class, CancellationToken cancellationToken)
    {
        if (_checked.Count >= MaximumTold || !_checked.TryAdd(domain, true))
            return;
        string[] others = @class switch
        {
            AddressClass.Local => ["virtual_alias_domains", "virtual_mailbox_domains"],
            AddressClass.VirtualAlias => ["virtual_mailbox_domains", "relay_domains"],
            AddressClass.VirtualMailbox => ["relay_domains"],
            _ => [],
        };
        string first = @class switch { AddressClass.Local => "mydestination", AddressClass.VirtualAlias => "virtual_alias_domains", _ => "virtual_mailbox_domains" };
        foreach (string other in others)
        {
            DomainList list = other switch { "virtual_alias_domains" => _aliases, "virtual_mailbox_domains" => _mailboxes, _ => _relay };
            if ((await list.ContainsAsync(domain, cancellationToken)).IsMatch)
                _events.Publish(new OperatorWarning("trivial-rewrite", $"do not list domain {domain} in BOTH {first} and {other}") { At = _events.Now });
        }
    }

    /// <summary>An answer, or why there is none.</summary>
    private readonly record struct Found<T>(T Value, string? Failure = null, bool Dunno = false);

    private readonly record struct Way(TransportName Transport, string DecidedBy);
}
