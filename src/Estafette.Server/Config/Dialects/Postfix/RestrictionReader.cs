using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Cuts a restriction list into its restrictions (<c>postconf(5) smtpd_client_restrictions</c>): a word, and where it takes one its argument. What they mean is smtpd's to say.</summary>
internal static class RestrictionReader
{
    public static ImmutableArray<Restriction> Read(string text, SourceSpan at, Findings findings)
    {
        var list = ImmutableArray.CreateBuilder<Restriction>();
        ImmutableArray<string> words = Words.Split(text);
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            string? bare = Words.Braced(word, out string? problem);
            if (bare is null)
            {
                findings.Error(at, problem!, "close every { with a }");
                continue;
            }
            // { check_policy_service inet:... } keeps one restriction together.
            ImmutableArray<string> inner = bare == word ? [word] : Words.Split(bare);
            if (inner.IsEmpty)
                continue;
            string name = inner[0].Contains(':', StringComparison.Ordinal) ? inner[0] : inner[0].ToLowerInvariant();
            if (!TakesArgument(name))
                list.Add(new Restriction(name, inner.Length > 1 ? string.Join(' ', inner.Skip(1)) : "", at));
            else if (inner.Length > 1)
                list.Add(new Restriction(name, string.Join(' ', inner.Skip(1)), at));
            else if (i + 1 < words.Length)
                list.Add(new Restriction(name, words[++i], at));
            else
                findings.Error(at, "restriction " + name + " requires " + (name.StartsWith("check_", StringComparison.Ordinal) ? "maptype:mapname" : "a domain name argument"),
                    "write `" + name + (name.StartsWith("check_", StringComparison.Ordinal) ? " hash:/etc/postfix/access`" : " zone`"));
        }
        return list.ToImmutable();
    }

    private static bool TakesArgument(string name) =>
        name.StartsWith("check_", StringComparison.Ordinal)
        || name.StartsWith("reject_rbl", StringComparison.Ordinal) || name.StartsWith("reject_rhsbl", StringComparison.Ordinal)
        || name.StartsWith("permit_dnswl", StringComparison.Ordinal) || name.StartsWith("permit_rhswl", StringComparison.Ordinal) || name == "sleep";
}
