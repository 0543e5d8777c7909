using System.Collections.Immutable;

namespace Estafette.Config;

/// <summary>The argument of <c>check_ccert_access</c>: a table, or in braces a table and the order in which digests are looked for (postconf(5)).</summary>
internal static class CertificateSearch
{
    private static readonly ImmutableArray<bool> s_usual = [false, true];

    /// <param name="keys">False for the digest of the certificate, true for that of its public key.</param>
    public static bool TryRead(string text, out string table, out ImmutableArray<bool> keys)
    {
        table = text;
        keys = s_usual;
        if (!text.StartsWith('{'))
            return true;
        if (!text.EndsWith('}'))
            return false;
        string inner = text[1..^1];
        int option = inner.LastIndexOf('{');
        string head = option < 0 ? inner : inner[..option];
        table = head.Trim().TrimEnd(',').Trim();
        if (table.Length == 0)
            return false;
        return option < 0 || TryOrder(inner[(option + 1)..].Trim().TrimEnd('}'), ref keys);
    }

    private static bool TryOrder(string option, ref ImmutableArray<bool> keys)
    {
        int equals = option.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0 || option[..equals].Trim() != "search_order")
            return false;
        ImmutableArray<bool>.Builder order = ImmutableArray.CreateBuilder<bool>();
        foreach (string word in option[(equals + 1)..].Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word is not ("cert_fingerprint" or "pubkey_fingerprint"))
                return false;
            order.Add(word == "pubkey_fingerprint");
        }
        keys = order.ToImmutable();
        return keys.Length > 0;
    }
}
