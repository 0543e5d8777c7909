using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Makes listeners out of the inet services of master.cf that run smtpd(8): one for each address that <c>inet_interfaces</c> and <c>inet_protocols</c>, or the service's own host, name.</summary>
internal sealed class ListenerLowering(ReadingContext context, SmtpdLowering smtpd, CleanupLowering cleanup)
{
    public ImmutableArray<ListenerConfig> Lower(string hostName)
    {
        var listeners = ImmutableArray.CreateBuilder<ListenerConfig>();
        foreach (ServiceEntry service in context.Settings.Services.Where(s => s is { Command: "smtpd", Type: "inet" }))
        {
            ParameterReader reader = context.Of(service);
            if (Port(service, reader) is not { } port)
                continue;
            ListenerConfig? model = null;
            foreach (IPAddress address in Addresses(service, reader))
            {
                // What the service says holds for all of its addresses; it is read, and told of, once.
                model ??= smtpd.Lower(reader, new ListenerConfig { EndPoint = new IPEndPoint(address, port), Spec = service.Name, At = service.At, HostName = hostName, LogTag = OperationLowering.Tag(reader, "smtpd") }) with { Cleanup = cleanup.Lower(reader) };
                listeners.Add(model with { EndPoint = new IPEndPoint(address, port) });
            }
        }
        return listeners.ToImmutable();
    }

    private static (string Host, string Port) Split(string name)
    {
        int colon = name.LastIndexOf(':');
        string host = colon < 0 ? "" : name[..colon];
        return (host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host, name[(colon + 1)..]);
    }

    private int? Port(ServiceEntry service, ParameterReader reader)
    {
        string port = Split(service.Name).Port;
        if (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and < 65536)
            return number;
        Dictionary<string, int> ports = KnownPorts(reader);
        if (ports.TryGetValue(port, out number))
            return number;
        if (OfSystem(port) is { } known)
            return known;
        if (port == "smtpd")
        {
            context.Findings.Warning(service.At, "`smtpd` is the name of a program and not of a port; it is taken for `smtp`", "write `smtp inet ... smtpd`");
            return 25;
        }
        context.Findings.Error(service.At, "host/service " + service.Name + " not found: Servname not supported for ai_socktype",
            Spelling.Closest(port, ports.Keys) is { } meant ? "did you mean `" + meant + "`?" : "write a number, or a name of /etc/services");
        return null;
    }

    /// <summary><c>known_tcp_ports</c>: names that need no look into /etc/services, as <c>smtps=submissions=465</c>.</summary>
    private static Dictionary<string, int> KnownPorts(ParameterReader reader)
    {
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string group in reader.Words("known_tcp_ports"))
        {
            string[] parts = group.Split('=', StringSplitOptions.TrimEntries);
            if (parts.Length < 2 || !int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > 65535)
            {
                reader.Fail("known_tcp_ports", "known_tcp_ports: bad entry \"" + group + "\"", "write `name=port`");
                continue;
            }
            foreach (string name in parts[..^1])
                ports[name] = number;
        }
        return ports;
    }

    private int? OfSystem(string name)
    {
        FileContent services = context.Machine.Read("/etc/services");
        if (services.Failure is not null)
            return null;
        foreach (string line in System.Text.Encoding.ASCII.GetString(services.Bytes.Span).Split('\n'))
        {
            string[] words = line.Split('#')[0].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && words[1].EndsWith("/tcp", StringComparison.Ordinal) && words.Where((_, i) => i != 1).Contains(name, StringComparer.Ordinal)
                && int.TryParse(words[1][..^4], NumberStyles.None, CultureInfo.InvariantCulture, out int port))
                return port;
        }
        return null;
    }

    private ImmutableArray<IPAddress> Addresses(ServiceEntry service, ParameterReader reader)
    {
        ImmutableArray<string> protocols = reader.Words("inet_protocols");
        string host = Split(service.Name).Host;
        ImmutableArray<string> interfaces = host.Length > 0 ? [host] : reader.Words("inet_interfaces");
        if (protocols.IsEmpty || protocols.FirstOrDefault(p => p.ToLowerInvariant() is not ("all" or "ipv4" or "ipv6")) is { } odd && Odd(reader, odd))
            return [];
        bool six = MachineDefaults.Serves(protocols, IPAddress.IPv6Any) && context.Machine.HasIpv6;
        if (interfaces.Any(i => i.Equals("all", StringComparison.OrdinalIgnoreCase)))
        {
            // One socket for both where the machine has both: the wildcard of IPv6 takes IPv4 too.
            return [six ? IPAddress.IPv6Any : IPAddress.Any];
        }
        foreach (string name in interfaces)
        {
            if (name.ToLowerInvariant() != "loopback-only" && MachineDefaults.OwnAddresses(context.Machine, [name], ["all"]).IsEmpty)
                context.Findings.Error(host.Length > 0 ? service.At : reader.Place("inet_interfaces"), "host not found: " + name, "write an address of this machine, a name that has one, `all` or `loopback-only`");
        }
        ImmutableArray<IPAddress> addresses = [.. MachineDefaults.OwnAddresses(context.Machine, interfaces, protocols).Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork || context.Machine.HasIpv6)];
        if (addresses.IsEmpty && !context.Findings.HasErrors)
            context.Findings.Error(service.At, "no valid IP address found: " + service.Name, "look at inet_interfaces and inet_protocols");
        return addresses;
    }

    private static bool Odd(ParameterReader reader, string protocol)
    {
        reader.Fail("inet_protocols", "unknown inet_protocols value \"" + protocol + "\" in \"" + reader.Text("inet_protocols") + "\"", "write all, ipv4, ipv6, or `ipv4, ipv6`");
        return true;
    }
}
