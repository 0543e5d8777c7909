using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// From what stands behind <c>listen on</c> to addresses: <c>all</c>, an interface, the group <c>egress</c>, an address or a host name (O7).
/// <c>all</c> is one socket of both families, so that addresses that come later are served too.
/// </summary>
internal sealed class EndPoints(LoweringContext context)
{
    /// <summary>Empty when an error was told.</summary>
    public ImmutableArray<IPAddress> Find(Item.Text spec, AddressFamily? family)
    {
        if (spec.Value is "all" or "*")
            return All(family);
        if (IPAddress.TryParse(Bare(spec.Value), out IPAddress? address))
            return Literal(spec, address, family);
        ImmutableArray<InterfaceAddress> interfaces = context.Machine.Interfaces;
        string name = spec.Value;
        bool named = interfaces.Any(i => i.Interface == name);
        if (!named && name == "lo0" && interfaces.Any(i => i.Interface == "lo"))
        {
            context.Findings.Warning(spec.At, "the loopback interface is called `lo` on this machine", "write `listen on lo`");
            (name, named) = ("lo", true);
        }
        IEnumerable<IPAddress> found = named ? interfaces.Where(i => i.Interface == name).Select(i => i.Address)
            : name == "egress" ? interfaces.Where(i => i.Egress).Select(i => i.Address) : [];
        ImmutableArray<IPAddress> chosen = [.. found.Where(a => Fits(a, family)).Distinct()];
        if (chosen.Length > 0)
            return chosen;
        if (named || name == "egress")
        {
            context.Findings.Error(spec.At, "the interface `" + spec.Value + "` has no " + Word(family) + "address now", "bring it up first, or write `listen on all`");
            return [];
        }
        return HostName(spec, family);
    }

    private ImmutableArray<IPAddress> All(AddressFamily? family) =>
        family == AddressFamily.InterNetwork || (family is null && !context.Machine.HasIpv6) ? [IPAddress.Any] : [IPAddress.IPv6Any];

    private ImmutableArray<IPAddress> Literal(Item.Text spec, IPAddress address, AddressFamily? family)
    {
        if (family is not null && address.AddressFamily != family)
        {
            context.Findings.Error(spec.At, "`" + spec.Value + "` is no " + Word(family) + "address", "remove `inet4` or `inet6`");
            return [];
        }
        if (!IPAddress.IsLoopback(address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !IsHere(address))
            context.Findings.Warning(spec.At, "this machine has no address `" + spec.Value + "` now", "listening will fail until it has; `ip address` lists what there is");
        return [address];
    }

    private ImmutableArray<IPAddress> HostName(Item.Text spec, AddressFamily? family)
    {
        ImmutableArray<IPAddress> resolved = [.. context.Machine.Resolve(spec.Value).Where(a => Fits(a, family)).Distinct()];
        if (resolved.IsEmpty)
        {
            string? meant = Spelling.Closest(spec.Value, context.Machine.Interfaces.Select(i => i.Interface).Distinct().Concat(["all", "socket", "localhost"]));
            context.Findings.Error(spec.At, "`" + spec.Value + "` is no interface, address or host name of this machine",
                meant is not null ? "did you mean `" + meant + "`?" : "interfaces here: " + string.Join(", ", context.Machine.Interfaces.Select(i => "`" + i.Interface + "`").Distinct()) + "; `all` means every address");
            return [];
        }
        ImmutableArray<IPAddress> here = [.. resolved.Where(a => IPAddress.IsLoopback(a) && !IsKnownAbsent(a) || IsHere(a))];
        if (!here.IsEmpty)
            return here;
        context.Findings.Warning(spec.At, "`" + spec.Value + "` is " + string.Join(", ", resolved) + ", which this machine does not have now", "listening will fail until it has; correct the name or its address");
        return resolved;
    }

    private bool IsHere(IPAddress address) => context.Machine.Interfaces.Any(i => i.Address.Equals(address));

    /// <summary>localhost may resolve to ::1 where the loopback interface has no IPv6.</summary>
    private bool IsKnownAbsent(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && context.Machine.Interfaces.Length > 0 && !IsHere(address);

    private static bool Fits(IPAddress address, AddressFamily? family) => family is null || address.AddressFamily == family;

    private static string Word(AddressFamily? family) => family switch { AddressFamily.InterNetwork => "IPv4 ", AddressFamily.InterNetworkV6 => "IPv6 ", _ => "" };

    private static string Bare(string text) => text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text;
}
