using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>An address after mapping; <paramref name="Failure"/> where a table could not be read.</summary>
internal readonly record struct MappedAddress(MailAddress Address, string? Failure = null);

/// <summary>
/// Maps one address to one (cleanup(8)): <c>sender_canonical_maps</c> or <c>recipient_canonical_maps</c>, then <c>canonical_maps</c>, then <c>masquerade_domains</c>, each for the classes of addresses it is meant for.
/// Envelopes and headers go the same way, so that both name the same person.
/// </summary>
internal sealed class AddressMapper(MappingConfig config, AddressRewriter rewriter, AddressLookup lookup, TableSet tables, EventSink events)
{
    /// <summary>Rows that lead from one to the next; more are a loop.</summary>
    private const int MaximumNesting = 1000;

    private readonly bool _propagates = config.Propagated.HasFlag(ExtensionPropagation.Canonical);

    public async ValueTask<MappedAddress> MapAsync(MailAddress address, MappedAddresses place, CancellationToken cancellationToken)
    {
        if (address.IsNull)
            return new(address);
        var mapped = new MappedAddress(address);
        bool sender = (place & MappedAddresses.Senders) != 0;
        (ImmutableArray<string> own, MappedAddresses ownFor, string parameter) = sender
            ? (config.SenderCanonical, config.SenderCanonicalFor, "sender_canonical_maps")
            : (config.RecipientCanonical, config.RecipientCanonicalFor, "recipient_canonical_maps");
        if (!own.IsEmpty && (ownFor & place) != 0)
            mapped = await CanonicalAsync(mapped.Address, own, parameter, cancellationToken);
        if (mapped.Failure is null && !config.Canonical.IsEmpty && (config.CanonicalFor & place) != 0)
            mapped = await CanonicalAsync(mapped.Address, config.Canonical, "canonical_maps", cancellationToken);
        if (mapped.Failure is null && !config.MasqueradeDomains.IsEmpty && (config.MasqueradeFor & place) != 0)
            mapped = await MasqueradeAsync(mapped.Address, cancellationToken);
        return mapped;
    }

    /// <summary>What a name maps to is looked for again, until there is no row or a row names itself.</summary>
    private async ValueTask<MappedAddress> CanonicalAsync(MailAddress address, ImmutableArray<string> maps, string parameter, CancellationToken cancellationToken)
    {
        MailAddress current = address;
        for (int nesting = 0; nesting < MaximumNesting; nesting++)
        {
            AddressAnswer answer = await lookup.FindAsync(maps, current, cancellationToken);
            if (answer.Answer is TableAnswer.Unavailable unavailable)
                return new(address, parameter + " lookup failure: " + unavailable.Reason);
            if (answer.Answer is not TableAnswer.Found found)
                return new(current);
            ImmutableArray<MailAddress> addresses = AddressMapping.Expand(found.Value, current, answer.Extension, _propagates);
            if (addresses.IsEmpty)
                return new(address, $"{parameter}: the entry for {current} is no address: {found.Value}");
            if (addresses.Length > 1)
                events.Publish(new OperatorWarning("cleanup", $"multi-valued {parameter} entry for {current}") { At = events.Now });
            MailAddress before = current;
            current = rewriter.Rewrite(addresses[0], RewriteContext.Local);
            if (string.Equals(current.ToString(), before.ToString(), StringComparison.OrdinalIgnoreCase))
                return new(current);
        }
        return new(address, $"unreasonable {parameter} map nesting for {address}");
    }

    /// <summary>The first of the list that is the domain or a parent of it decides; <c>!</c> keeps the domain.</summary>
    private async ValueTask<MappedAddress> MasqueradeAsync(MailAddress address, CancellationToken cancellationToken)
    {
        if (address.Domain.Length == 0)
            return new(address);
        if (!config.MasqueradeExceptions.IsEmpty)
        {
            ListAnswer answer = await tables.MatchTextAsync(config.MasqueradeExceptions, address.LocalPart, cancellationToken);
            if (answer.IsUnavailable)
                return new(address, "masquerade_exceptions lookup failure: " + answer.Failure);
            if (answer.IsMatch)
                return new(address);
        }
        foreach (string entry in config.MasqueradeDomains)
        {
            string domain = entry.TrimStart('!');
            bool keeps = (entry.Length - domain.Length) % 2 == 1;
            int extra = address.Domain.Length - domain.Length;
            if (domain.Length == 0 || extra < 0 || !address.Domain.EndsWith(domain, StringComparison.OrdinalIgnoreCase))
                continue;
            if (extra == 0)
                break;
            if (address.Domain[extra - 1] == '.')
                return new(keeps ? address : address with { Domain = domain });
        }
        return new(address);
    }
}
