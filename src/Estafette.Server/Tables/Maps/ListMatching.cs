using System.Net;
using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>Whether something is in a list of patterns. With a <paramref name="Failure"/> nobody knows, and the asker must defer (E44).</summary>
public readonly record struct ListAnswer(bool IsMatch, string? Failure = null)
{
    public bool IsUnavailable => Failure is not null;
}

/// <summary>
/// Asks <see cref="MatchList"/>s (postconf(5): mydestination, mynetworks, relay_domains, debug_peer_list, fast_flush_domains ...). Patterns are tried in order, the first that matches decides. Which questions a list takes depends
/// on its parameter: names, domains, addresses, or clients (a name and an address).
/// </summary>
public static class ListMatching
{
    private const int MaximumLabels = 128;

    [Flags]
    private enum Forms : byte { Text = 1, Domain = 2, Address = 4 }

    /// <summary>A text that is equal to a pattern: smtpd_sasl_exceptions, authorized users.</summary>
    public static ValueTask<ListAnswer> MatchTextAsync(this TableSet tables, MatchList list, string text, CancellationToken cancellationToken) =>
        MatchAsync(tables, list, Forms.Text, text, null, cancellationToken);

    /// <summary>A domain, or where a pattern is its parent.</summary>
    public static ValueTask<ListAnswer> MatchDomainAsync(this TableSet tables, MatchList list, string domain, CancellationToken cancellationToken) =>
        MatchAsync(tables, list, Forms.Domain, domain, null, cancellationToken);

    /// <summary>An address: equal to a pattern, or in its network.</summary>
    public static ValueTask<ListAnswer> MatchAddressAsync(this TableSet tables, MatchList list, IPAddress address, CancellationToken cancellationToken) =>
        MatchAsync(tables, list, Forms.Address, "", address, cancellationToken);

    /// <summary>A client by its name and its address, each pattern by both.</summary>
    public static ValueTask<ListAnswer> MatchClientAsync(this TableSet tables, MatchList list, string name, IPAddress address, CancellationToken cancellationToken) =>
        MatchAsync(tables, list, Forms.Domain | Forms.Address, name, address, cancellationToken);

    private static ValueTask<ListAnswer> MatchAsync(TableSet tables, MatchList list, Forms forms, string name, IPAddress? address, CancellationToken cancellationToken) => list.IsEmpty
        ? ValueTask.FromResult(default(ListAnswer))
        : WalkAsync(tables, tables.Compiled(list), forms, KeyText.FoldText(name), address is null ? null : NetworkPrefix.Canonical(address), cancellationToken);

    private static async ValueTask<ListAnswer> WalkAsync(TableSet tables, CompiledList list, Forms forms, string name, IPAddress? address, CancellationToken cancellationToken)
    {
        foreach (CompiledPattern pattern in list.Patterns)
        {
            bool matches = false;
            if (pattern.IsTable)
            {
                switch (await AskAsync(tables, pattern.Text, list.ParentMatches, forms, name, address, cancellationToken))
                {
                    case TableAnswer.Found:
                        matches = true;
                        break;
                    case TableAnswer.Unavailable unavailable:
                        return new ListAnswer(false, $"{pattern.Text}: table lookup problem: {unavailable.Reason}");
                }
            }
            else
            {
                matches = (forms & (Forms.Text | Forms.Domain)) != 0 && string.Equals(pattern.Text, name, StringComparison.Ordinal)
                    || forms.HasFlag(Forms.Domain) && IsParent(pattern.Text, name, list.ParentMatches);
                if (!matches && address is not null)
                {
                    if (pattern.Problem is not null)
                        return new ListAnswer(false, pattern.Problem);
                    matches = pattern.Network is { } network && network.Contains(address);
                }
            }
            if (matches)
                return new ListAnswer(!pattern.Negated);
        }
        return default;
    }

    private static bool IsParent(string pattern, string name, bool parentMatches)
    {
        int extra = name.Length - pattern.Length;
        if (pattern.Length == 0 || extra <= 0 || !name.EndsWith(pattern, StringComparison.Ordinal))
            return false;
        return parentMatches ? name[extra - 1] == '.' : pattern[0] == '.';
    }

    /// <summary>Any value counts, an empty one too.</summary>
    private static async ValueTask<TableAnswer> AskAsync(TableSet tables, string table, bool parentMatches, Forms forms, string name, IPAddress? address, CancellationToken cancellationToken)
    {
        TableAnswer answer = TableAnswer.NotFound.Instance;
        if (name.Length > 0 && (forms & (Forms.Text | Forms.Domain)) != 0)
        {
            answer = await tables.AskAsync(table, name, MapUse.Whole, cancellationToken);
            for (int label = 0, dot; label < MaximumLabels && forms.HasFlag(Forms.Domain) && answer is TableAnswer.NotFound && (dot = name.IndexOf('.', 1)) > 0; label++)
            {
                name = parentMatches ? name[(dot + 1)..] : name[dot..];
                if (name.Length == 0)
                    break;
                answer = await tables.AskAsync(table, name, MapUse.Partial, cancellationToken);
            }
        }
        return answer is TableAnswer.NotFound && address is not null ? await tables.AskAsync(table, address.ToString(), MapUse.Whole, cancellationToken) : answer;
    }
}
