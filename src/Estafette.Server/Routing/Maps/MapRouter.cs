using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>
/// Routing by address classes and maps for one configuration snapshot (<see cref="MapRouting"/>): the form of addresses, the envelopes of messages that come in, where each recipient goes, and which
/// addresses exist. Whatever cannot be known now is said to be so, never guessed (E44).
/// </summary>
public sealed class MapRouter
{
    private readonly MapRouting _maps;
    private readonly AddressMapper _mapper;
    private readonly AddressResolver _resolver;
    private readonly EnvelopeRewriter _envelopes;
    private readonly Existence _existence;

    public MapRouter(MailConfig config, TableSet tables, EventSink events, LocalAddresses machine)
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        _maps = config.Maps ?? throw new ArgumentException("the configuration routes by rules", nameof(config));
        Rewriter = new AddressRewriter(_maps.Rewriting);
        var own = new OwnDomains(_maps.Classes, tables, machine, _maps.Rewriting.Origin);
        var lookup = new AddressLookup(tables, AddressKeys.Default, _maps.Rewriting.RecipientDelimiters, own.IsOwnAsync);
        IsOwnAsync = own.IsOwnAsync;
        _mapper = new AddressMapper(_maps.Mapping, Rewriter, lookup, tables, events);
        _resolver = new AddressResolver(config, _maps, Rewriter, own, new TransportChoice(_maps, tables, events, own.IsOwnAsync));
        _envelopes = new EnvelopeRewriter(_maps.Mapping, Rewriter, _mapper, new AliasTree(_maps.Mapping, Rewriter, lookup), lookup);
        _existence = new Existence(_maps, lookup);
    }

    /// <summary>The configuration that it answers for.</summary>
    public MailConfig Config { get; }

    /// <summary>Whether a domain is <c>myorigin</c> or local.</summary>
    public OwnDomainTest IsOwnAsync { get; }

    /// <summary>The form of addresses, without any map.</summary>
    public AddressRewriter Rewriter { get; }

    /// <summary>What becomes of an envelope that comes in. Sessions, local submission, notifications and forwarded messages all ask here.</summary>
    public ValueTask<EnvelopeRewriting> RewriteAsync(EnvelopeDraft draft, CancellationToken cancellationToken) =>
        _envelopes.RewriteAsync(draft, _maps.Rewriting.EmptyRecipient, cancellationToken);

    /// <summary>What becomes of one address in a header, or of a sender. Null where a table cannot be read: the message must wait.</summary>
    /// <param name="text">As written, without a display name.</param>
    /// <param name="place">Where it stands; none for the form alone.</param>
    /// <returns>In the written form.</returns>
    public async ValueTask<string?> RewriteWrittenAsync(string text, MappedAddresses place, RewriteContext context, CancellationToken cancellationToken)
    {
        MailAddress form = Rewriter.Read(text, context);
        MappedAddress mapped = place == MappedAddresses.None ? new MappedAddress(form) : await _mapper.MapAsync(form, place, cancellationToken);
        return mapped.Failure is null ? mapped.Address.ToString() : null;
    }

    /// <summary>Where an address of the queue goes now.</summary>
    public ValueTask<Resolution> ResolveAsync(MailAddress address, MailAddress sender, CancellationToken cancellationToken) => _resolver.ResolveAsync(address, sender, cancellationToken);

    /// <summary>Whose an address of a session is, and whether it exists.</summary>
    public async ValueTask<AddressStanding> StandingAsync(MailAddress address, MailAddress sender, AddressRole role, CancellationToken cancellationToken)
    {
        MailAddress form = Rewriter.Rewrite(address, RewriteContext.Local);
        Resolution resolution = await _resolver.ResolveAsync(form, sender, cancellationToken);
        return await _existence.AskAsync(resolution, role, cancellationToken);
    }
}
