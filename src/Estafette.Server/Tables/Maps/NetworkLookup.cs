using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Tables;

/// <summary>Looks for an address, then for the networks around it by cutting off its last part, <c>192.0.2.1</c>, <c>192.0.2</c>, <c>192.0</c>, <c>192</c>: access(5) HOST NAME/ADDRESS PATTERNS.</summary>
public static class NetworkLookup
{
    public static async ValueTask<TableAnswer> FindAsync(TableSet tables, ImmutableArray<string> maps, IPAddress address, CancellationToken cancellationToken)
    {
        if (maps.IsEmpty)
            return TableAnswer.NotFound.Instance;
        address = NetworkPrefix.Canonical(address);
        char delimiter = address.AddressFamily == AddressFamily.InterNetworkV6 ? ':' : '.';
        string key = address.ToString();
        for (MapUse use = MapUse.Whole; ; use = MapUse.Partial)
        {
            TableAnswer answer = await tables.FindAsync(maps, key, use, cancellationToken);
            int last = key.LastIndexOf(delimiter);
            if (answer is not TableAnswer.NotFound || last < 0)
                return answer;
            key = key[..last];
        }
    }
}
