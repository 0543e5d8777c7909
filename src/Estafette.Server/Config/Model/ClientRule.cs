using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Config.Model;

/// <summary>
/// What a rule of tcpserver(1) says of a client: let in or not, and the environment of its session. A table of rules has the rows of a cdb that tcprules(1) makes.
/// </summary>
public sealed record ClientRule(bool Allowed, ImmutableDictionary<string, string> Environment)
{
    /// <summary>The first octet of a row that turns clients away.</summary>
    public const string Denial = "D";

    /// <summary>For clients that no rule speaks of.</summary>
    public static ClientRule Default { get; } = new(true, ImmutableDictionary<string, string>.Empty);

    /// <summary>Mail for everywhere is taken from this client; the value is put behind each recipient. Null for strangers.</summary>
    public string? RelayClient => Environment.GetValueOrDefault("RELAYCLIENT");

    /// <summary>
    /// The keys to ask a table of rules for, in this order; the first row decides: the whole address, its name, shorter and shorter beginnings that end in a dot, <c>=</c> with less and less of the name, the empty key.
    /// </summary>
    /// <param name="address">Where the client comes from.</param>
    /// <param name="host">Its verified name; null where it has none or names are not looked up.</param>
    public static IEnumerable<string> Keys(IPAddress address, string? host)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        string text = address.ToString().ToLowerInvariant();
        host = host?.ToLowerInvariant();
        yield return text;
        if (host is not null)
            yield return "=" + host;
        char separator = address.AddressFamily == AddressFamily.InterNetworkV6 ? ':' : '.';
        for (int end = text.LastIndexOf(separator); end >= 0; end = end == 0 ? -1 : text.LastIndexOf(separator, end - 1))
            yield return text[..(end + 1)];
        for (int dot = host?.IndexOf('.', StringComparison.Ordinal) ?? -1; dot >= 0; dot = host!.IndexOf('.', dot + 1))
            yield return "=" + host![dot..];
        if (host is not null)
            yield return "=";
        yield return "";
    }

    /// <summary>Reads a row's value: <c>D</c> for a denial, <c>+NAME=value</c> with a zero octet behind it for each variable.</summary>
    public static ClientRule Decode(string value)
    {
        ImmutableDictionary<string, string>.Builder variables = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string part in value.Split('\0'))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            int plus = part.IndexOf('+', StringComparison.Ordinal);
            if (plus >= 0 && equals > plus)
                variables[part[(plus + 1)..equals]] = part[(equals + 1)..];
        }
        return new ClientRule(!value.StartsWith(Denial, StringComparison.Ordinal), variables.ToImmutable());
    }
}
