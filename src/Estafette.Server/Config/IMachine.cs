using System.Collections.Immutable;
using System.Net;

namespace Estafette.Config;

/// <summary>What a configuration asks of the machine it is read on: files, names and interfaces. Tests answer from memory.</summary>
public interface IMachine
{
    /// <summary>The server's own name, fully qualified where the machine knows it.</summary>
    string HostName { get; }

    /// <summary>The kernel's name of this machine, as it is: often without a domain.</summary>
    string NodeName { get; }

    /// <summary>The content of a file, or why there is none.</summary>
    FileContent Read(string path);

    /// <summary>What is known of a file without opening it.</summary>
    FileState Look(string path);

    ImmutableArray<InterfaceAddress> Interfaces { get; }

    /// <summary>False where the machine has no IPv6 at all.</summary>
    bool HasIpv6 { get; }

    /// <summary>The addresses of a host name; empty when it has none or cannot be resolved.</summary>
    ImmutableArray<IPAddress> Resolve(string name);
}

/// <summary>The bytes of a file; <paramref name="Failure"/> says why there are none.</summary>
public readonly record struct FileContent(ReadOnlyMemory<byte> Bytes, string? Failure = null)
{
    /// <summary>Longest file that is read as configuration or for a check.</summary>
    public const int MaximumSize = 16 * 1024 * 1024;
}

public enum FilePresence { Missing, Present, Unknown }

/// <summary><see cref="FilePresence.Unknown"/> where the folder may not be searched by who asks.</summary>
public readonly record struct FileState(FilePresence Presence, UnixFileMode Mode = UnixFileMode.None)
{
    public bool IsMissing => Presence == FilePresence.Missing;

    public bool OthersMayRead => (Mode & UnixFileMode.OtherRead) != 0;

    /// <summary>The mode as chmod writes it.</summary>
    public string Octal => "0" + Convert.ToString((int)Mode & 0xFFF, 8).PadLeft(3, '0');
}

/// <summary>One address of one interface; <paramref name="Egress"/> where a default route leaves through it. A prefix of 0 is not known.</summary>
public sealed record InterfaceAddress(string Interface, IPAddress Address, bool Egress = false, int PrefixLength = 0);
