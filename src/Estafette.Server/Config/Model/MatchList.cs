using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>
/// A list of domains, hosts, networks or addresses in the notation that Postfix has for all of them: patterns in order, the first that matches decides, and a negated one decides "no".
/// Files of patterns are read with the configuration; tables are looked up.
/// </summary>
public sealed record MatchList(ImmutableArray<MatchPattern> Patterns)
{
    public static MatchList Empty { get; } = new([]);

    public bool IsEmpty => Patterns.IsEmpty;

    /// <summary>A domain stands for its subdomains, too (<c>parent_domain_matches_subdomains</c>); else only <c>.domain</c> does.</summary>
    public bool ParentMatches { get; init; }
}

/// <param name="Text">A pattern, or with <paramref name="IsTable"/> the name of a table in <see cref="MailConfig.Tables"/>.</param>
public readonly record struct MatchPattern(string Text, bool Negated = false, bool IsTable = false);
