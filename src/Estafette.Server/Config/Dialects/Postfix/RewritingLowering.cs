using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// What trivial-rewrite(8) and the envelope part of cleanup(8) take from main.cf: the form of addresses, maps, address classes, transports. A domain in two classes and a transport that master.cf does
/// not have are told: the original runs with both, and mail goes where nobody looks for it.
/// </summary>
internal sealed class RewritingLowering(ReadingContext context)
{
    private static readonly ImmutableDictionary<string, MappedAddresses> s_places = new Dictionary<string, MappedAddresses>(StringComparer.Ordinal)
    {
        ["envelope_sender"] = MappedAddresses.EnvelopeSender,
        ["envelope_recipient"] = MappedAddresses.EnvelopeRecipient,
        ["header_sender"] = MappedAddresses.HeaderSender,
        ["header_recipient"] = MappedAddresses.HeaderRecipient,
    }.ToImmutableDictionary(StringComparer.Ordinal);

    private static readonly ImmutableDictionary<string, ExtensionPropagation> s_propagations = new Dictionary<string, ExtensionPropagation>(StringComparer.Ordinal)
    {
        ["canonical"] = ExtensionPropagation.Canonical,
        ["virtual"] = ExtensionPropagation.Virtual,
        ["alias"] = ExtensionPropagation.Alias,
        ["forward"] = ExtensionPropagation.Forward,
        ["include"] = ExtensionPropagation.Include,
        ["generic"] = ExtensionPropagation.Generic,
    }.ToImmutableDictionary(StringComparer.Ordinal);

    public MapRouting Lower(ParameterReader reader)
    {
        var maps = new MapRouting { Rewriting = Form(reader), Mapping = Mapping(reader), Classes = Classes(reader), Transports = Transports(reader) };
        TellClashes(maps.Classes, reader);
        return maps;
    }

    private AddressRewriting Form(ParameterReader reader) => new()
    {
        Origin = Origin(reader),
        Domain = reader.Text("mydomain"),
        RecipientDelimiters = reader.Text("recipient_delimiter"),
        AppendsOrigin = reader.Flag("append_at_myorigin"),
        AppendsDomain = reader.Flag("append_dot_mydomain"),
        SwapsBangPath = reader.Flag("swap_bangpath"),
        AllowsPercentHack = reader.Flag("allow_percent_hack"),
        ResolvesDequoted = reader.Flag("resolve_dequoted_address"),
        ResolvesNullDomain = reader.Flag("resolve_null_domain"),
        ResolvesNumericDomain = reader.Flag("resolve_numeric_domain"),
        AllowsMinusFirst = reader.Flag("allow_min_user"),
        EmptyRecipient = reader.Text("empty_address_recipient"),
        RemoteHeaderDomain = reader.Text("remote_header_rewrite_domain"),
    };

    private static MappingConfig Mapping(ParameterReader reader) => new()
    {
        SenderCanonical = reader.Maps("sender_canonical_maps"),
        SenderCanonicalFor = Flags(reader, "sender_canonical_classes", s_places),
        RecipientCanonical = reader.Maps("recipient_canonical_maps"),
        RecipientCanonicalFor = Flags(reader, "recipient_canonical_classes", s_places),
        Canonical = reader.Maps("canonical_maps"),
        CanonicalFor = Flags(reader, "canonical_classes", s_places),
        MasqueradeDomains = reader.Words("masquerade_domains"),
        MasqueradeFor = Flags(reader, "masquerade_classes", s_places),
        MasqueradeExceptions = reader.MatchList("masquerade_exceptions"),
        VirtualAliases = reader.Maps("virtual_alias_maps"),
        VirtualAliasNesting = reader.Count("virtual_alias_recursion_limit"),
        VirtualAliasSize = reader.Count("virtual_alias_expansion_limit"),
        VirtualAliasLength = reader.Count("virtual_alias_address_length_limit"),
        Propagated = Flags(reader, "propagate_unmatched_extensions", s_propagations),
        AlwaysBcc = reader.Text("always_bcc"),
        SenderBcc = reader.Maps("sender_bcc_maps"),
        RecipientBcc = reader.Maps("recipient_bcc_maps"),
        KeepsOriginal = reader.Flag("enable_original_recipient"),
        DuplicatesRemembered = reader.Count("duplicate_filter_limit"),
    };

    private AddressClasses Classes(ParameterReader reader) => new()
    {
        Local = reader.MatchList("mydestination"),
        Interfaces = Interfaces(reader),
        ProxyInterfaces = [.. reader.Words("proxy_interfaces").SelectMany(name => Addresses(reader, name))],
        VirtualAlias = reader.MatchList("virtual_alias_domains"),
        VirtualMailbox = reader.MatchList("virtual_mailbox_domains"),
        Relay = reader.MatchList("relay_domains", "relay_domains"),
        LocalRecipients = reader.Maps("local_recipient_maps"),
        VirtualMailboxes = reader.Maps("virtual_mailbox_maps"),
        RelayRecipients = reader.Maps("relay_recipient_maps"),
        NamesTable = reader.Flag("show_user_unknown_table_name"),
        DoubleBounceSender = reader.Text("double_bounce_sender"),
    };

    private TransportMaps Transports(ParameterReader reader) => new()
    {
        Maps = reader.Maps("transport_maps"),
        ParentMatches = reader.Words("parent_domain_matches_subdomains").Contains("transport_maps", StringComparer.OrdinalIgnoreCase),
        Relocated = reader.Maps("relocated_maps"),
        RelayHost = reader.Text("relayhost"),
        SenderRelayHosts = reader.Maps("sender_dependent_relayhost_maps"),
        NullSenderRelayHostKey = reader.Text("empty_address_relayhost_maps_lookup_key"),
        SenderDefaults = reader.Maps("sender_dependent_default_transport_maps"),
        NullSenderDefaultKey = reader.Text("empty_address_default_transport_maps_lookup_key"),
        Local = Transport(reader, "local_transport"),
        VirtualMailbox = Transport(reader, "virtual_transport"),
        Relay = Transport(reader, "relay_transport"),
        Default = Transport(reader, "default_transport"),
        Deferred = reader.Words("defer_transports"),
    };

    private string Transport(ParameterReader reader, string name)
    {
        string value = reader.Text(name);
        string service = value.Split(':')[0];
        if (service.Length == 0)
            reader.Fail(name, "file " + Path.Combine(context.Folder, "main.cf") + ": parameter " + name + ": null transport is not allowed", "write `transport:nexthop`");
        else if (!context.Settings.Services.Any(s => s.Name == service && s.Delivers))
            reader.Findings.Warning(reader.Place(name), name + ": master.cf has no service " + service + "; its mail will wait", "add the service to master.cf, or name one that is there");
        return value;
    }

    /// <summary>Null where every address of the machine is meant: those may come and go.</summary>
    private ImmutableArray<IPAddress>? Interfaces(ParameterReader reader)
    {
        ImmutableArray<string> names = reader.Words("inet_interfaces");
        if (names.Contains("all", StringComparer.OrdinalIgnoreCase))
            return null;
        return [.. MachineDefaults.OwnAddresses(context.Machine, names, ["all"]).Select(own => own.Address)];
    }

    private ImmutableArray<IPAddress> Addresses(ParameterReader reader, string name)
    {
        ImmutableArray<IPAddress> addresses = [.. MachineDefaults.OwnAddresses(context.Machine, [name], ["all"]).Select(own => own.Address)];
        if (addresses.IsEmpty)
            reader.Fail("proxy_interfaces", "host not found: " + name, "write the address that the proxy has");
        return addresses;
    }

    private static T Flags<T>(ParameterReader reader, string name, ImmutableDictionary<string, T> words)
        where T : struct, Enum
    {
        int flags = 0;
        foreach (string word in reader.Words(name))
        {
            if (words.TryGetValue(word, out T flag))
                flags |= Convert.ToInt32(flag, System.Globalization.CultureInfo.InvariantCulture);
            else
                reader.Fail(name, "unknown " + name + " value \"" + word + "\" in \"" + reader.Text(name) + "\"", Spelling.Closest(word, words.Keys) is { } meant ? "did you mean `" + meant + "`?" : "the words are " + string.Join(", ", words.Keys.Order(StringComparer.Ordinal)));
        }
        return (T)Enum.ToObject(typeof(T), flags);
    }

    /// <summary>Domains that are written in two lists; those of tables are found when mail comes for them.</summary>
    private static void TellClashes(AddressClasses classes, ParameterReader reader)
    {
        (string Name, MatchList List)[] lists =
            [("mydestination", classes.Local), ("virtual_alias_domains", classes.VirtualAlias), ("virtual_mailbox_domains", classes.VirtualMailbox), ("relay_domains", classes.Relay)];
        for (int i = 0; i < lists.Length; i++)
        {
            for (int j = i + 1; j < lists.Length; j++)
            {
                // Many relay for their own domains by an old default; local delivery comes first and nothing is lost.
                if (i == 0 && lists[j].Name == "relay_domains")
                    continue;
                foreach (string domain in Written(lists[i].List).Intersect(Written(lists[j].List), StringComparer.OrdinalIgnoreCase))
                    reader.Findings.Warning(reader.Place(lists[j].Name), $"do not list domain {domain} in BOTH {lists[i].Name} and {lists[j].Name}", "its mail is treated as " + lists[i].Name + " says; remove it from the other list");
            }
        }
    }

    private static IEnumerable<string> Written(MatchList list) => list.Patterns.Where(pattern => pattern is { IsTable: false, Negated: false }).Select(pattern => pattern.Text);

    /// <summary>Debian's main.cf names a file, whose first line is the name.</summary>
    private string Origin(ParameterReader reader)
    {
        string origin = reader.Text("myorigin");
        if (!origin.StartsWith('/'))
            return origin;
        string line = context.ReadSource(origin, out string? problem)?.Line(1).Trim() ?? "";
        if (line.Length == 0)
            reader.Fail("myorigin", "myorigin file " + origin + ": " + (problem ?? "its first line is empty"), "write the name of this machine's mail domain into it, or `myorigin = $myhostname`");
        return line;
    }
}
