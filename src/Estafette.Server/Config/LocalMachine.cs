using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Estafette.Config;

/// <summary>
/// The machine this program runs on. Asking never throws: what cannot be found is missing or unknown, and the one who asked says so
/// with the line of the configuration. Interfaces and the own name are looked up once, on first use.
/// </summary>
public sealed class LocalMachine : IMachine
{
    private readonly Lazy<ImmutableArray<InterfaceAddress>> _interfaces = new(FindInterfaces);
    private readonly Lazy<string> _hostName;

    private readonly FileView _files;

    /// <param name="files">Where contents of files come from; null means the disk.</param>
    public LocalMachine(FileView? files = null)
    {
        _files = files ?? new FileView();
        _hostName = new Lazy<string>(FindHostName);
    }

    public string HostName => _hostName.Value;
    public string NodeName => System.Net.Dns.GetHostName();
    public ImmutableArray<InterfaceAddress> Interfaces => _interfaces.Value;
    public bool HasIpv6 => Socket.OSSupportsIPv6;

    public FileContent Read(string path) => _files.Read(path);

    public FileState Look(string path) => _files.Look(path);

    public ImmutableArray<IPAddress> Resolve(string name)
    {
        try
        {
            return [.. System.Net.Dns.GetHostAddresses(name)];
        }
        catch (Exception problem) when (problem is SocketException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>The mail name file first (OpenBSD's place, then Debian's), then the kernel's name, made canonical when it has no dot.</summary>
    private string FindHostName()
    {
        foreach (string path in (ReadOnlySpan<string>)["/etc/mail/mailname", "/etc/mailname"])
        {
            string line = System.Text.Encoding.UTF8.GetString(Read(path).Bytes.Span).Split('\n')[0].Trim();
            if (line.Length > 0)
                return line;
        }
        string name = Environment.MachineName;
        try
        {
            name = System.Net.Dns.GetHostName();
            if (!name.Contains('.', StringComparison.Ordinal) && System.Net.Dns.GetHostEntry(name).HostName is { Length: > 0 } canonical
                && canonical.Contains('.', StringComparison.Ordinal))
            {
                return canonical;
            }
        }
        catch (Exception problem) when (problem is SocketException or ArgumentException)
        {
            // A machine whose resolver does not know it still has the kernel's name.
        }
        return name.Length > 0 ? name : "localhost";
    }

    private static ImmutableArray<InterfaceAddress> FindInterfaces()
    {
        var found = ImmutableArray.CreateBuilder<InterfaceAddress>();
        try
        {
            foreach (NetworkInterface item in NetworkInterface.GetAllNetworkInterfaces())
            {
                IPInterfaceProperties properties = item.GetIPProperties();
                bool egress = properties.GatewayAddresses.Count > 0;
                foreach (UnicastIPAddressInformation address in properties.UnicastAddresses)
                    found.Add(new InterfaceAddress(item.Name, address.Address, egress, address.PrefixLength));
            }
        }
        catch (NetworkInformationException)
        {
            // Without the list only addresses and names can be listened on, and a name of an interface is refused with its line.
        }
        return found.ToImmutable();
    }
}
