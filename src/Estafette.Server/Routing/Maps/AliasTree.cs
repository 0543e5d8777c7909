using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>What an address became; <paramref name="Failure"/> where nobody can say now.</summary>
internal sealed record AliasExpansion(ImmutableArray<MailAddress> Addresses, string? Failure = null, bool IsBeyondLimit = false)
{
    public static AliasExpansion BeyondLimit(string reason) => new([], reason, true);
}

/// <summary>
/// What <c>virtual_alias_maps</c> make of an address, aliases of aliases included (virtual(5)). An address may be its own alias once; nothing is expanded twice, so it ends. Beyond a limit nothing
/// is taken, since nobody knows whom a part of a list leaves out (E32).
/// </summary>
internal sealed class AliasTree(MappingConfig config, AddressRewriter rewriter, AddressLookup lookup)
{
    private readonly bool _propagates = config.Propagated.HasFlag(ExtensionPropagation.Virtual);

    public async ValueTask<AliasExpansion> ExpandAsync(MailAddress address, CancellationToken cancellationToken)
    {
        var addresses = new List<MailAddress> { address };
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < addresses.Count; i++)
        {
            if (addresses.Count > config.VirtualAliasSize)
                return AliasExpansion.BeyondLimit($"unreasonable virtual_alias_maps map expansion size for {address}");
            for (int nesting = 0; ; nesting++)
            {
                MailAddress current = addresses[i];
                if (done.Contains(current.ToString()))
                    break;
                if (nesting >= config.VirtualAliasNesting)
                    return AliasExpansion.BeyondLimit($"unreasonable virtual_alias_maps map nesting for {address}");
                AddressAnswer answer = await lookup.FindAsync(config.VirtualAliases, current, cancellationToken);
                if (answer.Answer is TableAnswer.Unavailable unavailable)
                    return new AliasExpansion([], "virtual_alias_maps lookup failure: " + unavailable.Reason);
                if (answer.Answer is not TableAnswer.Found found)
                    break;
                if (Take(addresses, i, found.Value, answer.Extension, done) is { } failure)
                    return failure;
            }
        }
        return new AliasExpansion([.. addresses]);
    }

    /// <summary>The first target takes the alias's place, the others go to the end.</summary>
    private AliasExpansion? Take(List<MailAddress> addresses, int index, string value, string extension, HashSet<string> done)
    {
        MailAddress alias = addresses[index];
        ImmutableArray<MailAddress> targets = AddressMapping.Expand(value, alias, extension, _propagates);
        if (targets.IsEmpty)
            return new AliasExpansion([], $"virtual_alias_maps: the entry for {alias} holds no address: {value}");
        for (int i = 0; i < targets.Length; i++)
        {
            MailAddress target = rewriter.Rewrite(targets[i], RewriteContext.Local);
            string text = target.ToString();
            if (text.Length > config.VirtualAliasLength)
                return AliasExpansion.BeyondLimit($"unreasonable virtual_alias_maps result {text[..Math.Min(300, text.Length)]}...");
            if (i == 0)
                addresses[index] = target;
            else
                addresses.Add(target);
            if (string.Equals(text, alias.ToString(), StringComparison.OrdinalIgnoreCase))
                done.Add(text);
        }
        return null;
    }
}
