using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Delivery.Remote;

/// <summary>The policy, or why none can be told; mail waits then.</summary>
internal readonly record struct TlsPolicyAnswer(TlsPolicy? Policy, string? Trouble = null);

/// <summary>
/// Which TLS policy holds for a host: the table's row for the next hop, else the action's; never less than the host's URL demands, and never less than a login needs (E9).
/// Keys in the order of Postfix's <c>smtp_tls_policy_maps</c>: <c>[host]:port</c>, <c>[host]</c>, <c>host:port</c>, the host or domain, and its parents with a dot before them.
/// </summary>
internal sealed class TlsPolicies(IRelayTables tables)
{
    /// <summary>Parents of a domain that are looked up; no name has more that matter.</summary>
    private const int Parents = 16;

    /// <summary>Rows kept as they were understood; all are forgotten when there are more.</summary>
    private const int Remembered = 4096;

    private readonly ConcurrentDictionary<string, TlsPolicyAnswer> _rows = new(StringComparer.Ordinal);

    /// <param name="login">What a password needs, where one goes to this host.</param>
    public async ValueTask<TlsPolicyAnswer> FindAsync(ActionConfig.Relay action, RelayEndPoint target, TlsLevel? login, CancellationToken cancellationToken)
    {
        TlsPolicy policy = action.Tls;
        // The URL says that there is TLS, the action how it is looked at.
        TlsLevel level = target.Tls is TlsLevel url && policy.Level < TlsLevel.Encrypt ? url : policy.Level;
        if (action.TlsTable is string table && target.Protocol != RelayProtocol.Lmtp)
        {
            TlsPolicyAnswer row = await RowAsync([table, .. action.MoreTlsTables], target, cancellationToken);
            if (row.Trouble is not null)
                return row;
            if (row.Policy is { } found)
            {
                policy = Completed(found, policy);
                level = found.Level >= TlsLevel.Encrypt || level < TlsLevel.Encrypt ? found.Level : level;
            }
        }
        if (target.Protocol == RelayProtocol.Lmtp && target.Tls == TlsLevel.None)
            level = TlsLevel.None;
        // TLS that was merely welcome becomes a must where a password goes out.
        if (login is TlsLevel least && level == TlsLevel.May)
            level = least;
        if (target.Protocol == RelayProtocol.Smtps && level < TlsLevel.Encrypt)
            level = TlsLevel.Encrypt;
        return new TlsPolicyAnswer(level == policy.Level ? policy : policy with { Level = level });
    }

    internal static IEnumerable<string> KeysOf(RelayEndPoint target)
    {
        if (target.Written.Length > 0)
            yield return target.Written.ToLowerInvariant();
        string name = target.NextHop.Trim('[', ']').ToLowerInvariant();
        if (target.Fixed && target.Address is IPEndPoint { Port: int port })
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"[{name}]:{port}");
            if (port == (target.Protocol == RelayProtocol.Smtps ? 465 : RoutePlanner.SmtpPort))
                yield return "[" + name + "]";
            yield return string.Create(CultureInfo.InvariantCulture, $"{name}:{port}");
        }
        yield return name;
        if (RoutePlanner.TryLiteral(name, out _))
            yield break;
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        for (int i = 0; i < Parents && dot >= 0; i++)
        {
            yield return name[dot..];
            dot = name.IndexOf('.', dot + 1);
        }
    }

    private async ValueTask<TlsPolicyAnswer> RowAsync(ImmutableArray<string> maps, RelayEndPoint target, CancellationToken cancellationToken)
    {
        foreach (string key in KeysOf(target))
        {
            RelayTableAnswer row = maps.Length == 1 ? await tables.LookUpAsync(maps[0], key, cancellationToken) : await tables.FindAsync(maps, key, cancellationToken);
            if (row.Trouble is not null)
                return new TlsPolicyAnswer(null, row.Trouble);
            if (row.Value is null)
                continue;
            TlsPolicyAnswer read = Understood(row.Value);
            return read.Trouble is null ? read : new TlsPolicyAnswer(null, $"table {string.Join(", ", maps)}, TLS policy of {key}: {read.Trouble}");
        }
        return default;
    }

    private TlsPolicyAnswer Understood(string text)
    {
        if (_rows.TryGetValue(text, out TlsPolicyAnswer known))
            return known;
        (TlsPolicy? policy, string problem) = TlsPolicyText.Read(text);
        if (_rows.Count >= Remembered)
            _rows.Clear();
        return _rows[text] = policy is null ? new TlsPolicyAnswer(null, problem) : new TlsPolicyAnswer(policy);
    }

    /// <summary>What a row does not speak of is the action's.</summary>
    private static TlsPolicy Completed(TlsPolicy row, TlsPolicy action) => row with
    {
        TrustAnchor = row.TrustAnchor ?? action.TrustAnchor,
        Identity = row.Identity ?? action.Identity,
        ServerName = row.ServerName ?? action.ServerName,
        Settings = row.Settings == TlsSettings.Default ? action.Settings : row.Settings,
        Fingerprints = row.Fingerprints.IsEmpty ? action.Fingerprints : row.Fingerprints,
    };
}
