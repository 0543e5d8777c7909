using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>
/// The envelope part of cleanup(8): addresses get their form, canonical names and masks, aliases are expanded, copies are added, duplicates go. Every message passes here once, whoever hands it in.
/// </summary>
internal sealed class EnvelopeRewriter(MappingConfig config, AddressRewriter rewriter, AddressMapper mapper, AliasTree aliases, AddressLookup lookup)
{
    /// <summary>Recipients of one message, after expansion; each is remembered until the message is done (promise 3).</summary>
    private const int MaximumRecipients = 50_000;

    private readonly RecipientKeys _keys = new();

    public ValueTask<EnvelopeRewriting> RewriteAsync(EnvelopeDraft draft, string emptyRecipient, CancellationToken cancellationToken) =>
        new Run(this, draft, emptyRecipient).RunAsync(cancellationToken);

    private static EnvelopeRewriting.Refused TableFailure(string detail) => new(new EnhancedStatus(4, 3, 0), "Error: queue file write error", detail);

    private static EnvelopeRewriting.Refused AliasFailure(string detail) => new(new EnhancedStatus(4, 6, 0), "Alias expansion error", detail);

    /// <summary>One envelope on its way.</summary>
    private sealed class Run(EnvelopeRewriter rules, EnvelopeDraft draft, string emptyRecipient)
    {
        private readonly ImmutableArray<Recipient>.Builder _recipients = ImmutableArray.CreateBuilder<Recipient>(draft.Recipients.Length);
        private HashSet<(string To, string Original, DsnNotify, string?)>? _seen;

        private MappingConfig Config => rules.Config;
        private bool Copies => draft.IsMapped && draft.IsCopied;

        public async ValueTask<EnvelopeRewriting> RunAsync(CancellationToken cancellationToken)
        {
            MappedAddress sender = await FormAsync(draft.ReversePath, MappedAddresses.EnvelopeSender, cancellationToken);
            EnvelopeRewriting.Refused? refused = sender.Failure is null ? null : TableFailure(sender.Failure);
            if (refused is null && Copies && !Config.SenderBcc.IsEmpty && !sender.Address.IsNull)
                refused = await CopyAsync(Config.SenderBcc, "sender_bcc_maps", sender.Address, cancellationToken);
            foreach (DraftRecipient recipient in draft.Recipients)
            {
                if (refused is not null)
                    return refused;
                refused = await TakeAsync(recipient, cancellationToken);
            }
            if (refused is null && Copies && Config.AlwaysBcc.Length > 0)
                refused = await AddCopyAsync(Config.AlwaysBcc, cancellationToken);
            foreach (string copy in draft.Copies)
                refused ??= await AddCopyAsync(copy, cancellationToken);
            if (refused is not null)
                return refused;
            if (draft.Redirect.Length > 0 && _recipients.Count > 0)
            {
                Recipient first = _recipients[0];
                _recipients.Clear();
                // Where it goes is asked at each attempt: the first may be the mark of an expanded alias, which is delivered to nobody.
                _recipients.Add(first with { Address = rules.Rewriter.Read(draft.Redirect, RewriteContext.Local), Action = "" });
            }
            return new EnvelopeRewriting.Rewritten(sender.Address, _recipients.DrainToImmutable());
        }

        private async ValueTask<EnvelopeRewriting.Refused?> TakeAsync(DraftRecipient given, CancellationToken cancellationToken)
        {
            MailAddress address = given.Address.IsNull ? new MailAddress(emptyRecipient, "") : given.Address;
            MappedAddress mapped = await FormAsync(address, MappedAddresses.EnvelopeRecipient, cancellationToken);
            if (mapped.Failure is not null)
                return TableFailure(mapped.Failure);
            MailAddress original = given.Original ?? given.Address;
            given = given with { Original = original, DsnOriginalRecipient = given.DsnOriginalRecipient ?? OriginalOf(original) };
            EnvelopeRewriting.Refused? refused = await ExpandAsync(mapped.Address, given, cancellationToken);
            if (refused is null && Copies && !Config.RecipientBcc.IsEmpty)
                refused = await CopyAsync(Config.RecipientBcc, "recipient_bcc_maps", mapped.Address, cancellationToken);
            return refused;
        }

        /// <summary>Whoever gave no ORCPT gets the address he gave (RFC 3461 s5.2.1); one beyond ASCII would need a form of its own.</summary>
        private static string? OriginalOf(MailAddress given) => given.NeedsSmtpUtf8 ? null : "rfc822;" + Xtext.Encode(given.ToString());

        private async ValueTask<EnvelopeRewriting.Refused?> CopyAsync(ImmutableArray<string> maps, string parameter, MailAddress address, CancellationToken cancellationToken) =>
            (await rules.Lookup.FindAsync(maps, address, cancellationToken)).Answer switch
            {
                TableAnswer.Found found => await AddCopyAsync(found.Value, cancellationToken),
                TableAnswer.Unavailable unavailable => TableFailure(parameter + " lookup failure: " + unavailable.Reason),
                _ => null,
            };

        /// <summary>Nobody hears of a copy, so nobody hears of its failure (always_bcc).</summary>
        private async ValueTask<EnvelopeRewriting.Refused?> AddCopyAsync(string to, CancellationToken cancellationToken)
        {
            MappedAddress mapped = await MapAsync(rules.Rewriter.Read(to, RewriteContext.Local), MappedAddresses.EnvelopeRecipient, cancellationToken);
            return mapped.Failure is not null
                ? TableFailure(mapped.Failure)
                : await ExpandAsync(mapped.Address, new DraftRecipient(mapped.Address, DsnNotify.Never, null, mapped.Address), cancellationToken);
        }

        private ValueTask<MappedAddress> FormAsync(MailAddress address, MappedAddresses place, CancellationToken cancellationToken) =>
            MapAsync(rules.Rewriter.Rewrite(address, RewriteContext.Local), place, cancellationToken);

        private ValueTask<MappedAddress> MapAsync(MailAddress address, MappedAddresses place, CancellationToken cancellationToken) =>
            draft.IsMapped ? rules.Mapper.MapAsync(address, place, cancellationToken) : ValueTask.FromResult(new MappedAddress(address));

        private async ValueTask<EnvelopeRewriting.Refused?> ExpandAsync(MailAddress address, DraftRecipient given, CancellationToken cancellationToken)
        {
            if (!draft.IsMapped || Config.VirtualAliases.IsEmpty)
                return Add(address, given);
            AliasExpansion expansion = await rules.Aliases.ExpandAsync(address, cancellationToken);
            if (expansion.Failure is not null)
                return expansion.IsBeyondLimit ? AliasFailure(expansion.Failure) : TableFailure(expansion.Failure);
            ImmutableArray<MailAddress> addresses = expansion.Addresses;
            if (given.Notify.HasFlag(DsnNotify.Success) && (addresses.Length > 1 || !addresses[0].Equals(address)))
            {
                // The sender hears that it was expanded; of each delivery only what goes wrong (RFC 3461 s5.2.7.3).
                if (Add(address, given, Recipient.AliasExpanded) is { } tooMany)
                    return tooMany;
                given = given with { Notify = given.Notify == DsnNotify.Success ? DsnNotify.Never : given.Notify & ~DsnNotify.Success };
            }
            foreach (MailAddress one in addresses)
            {
                if (Add(one, given) is { } refused)
                    return refused;
            }
            return null;
        }

        private EnvelopeRewriting.Refused? Add(MailAddress address, DraftRecipient given, string action = "")
        {
            if (IsDouble(address, given))
                return null;
            if (_recipients.Count >= MaximumRecipients)
                return AliasFailure("more recipients than " + MaximumRecipients);
            _recipients.Add(new Recipient
            {
                Key = rules.Keys.Next(),
                Original = given.Original!,
                Address = address,
                Action = action,
                Target = DeliveryTarget.Relay.Instance,
                Notify = given.Notify,
                DsnOriginalRecipient = given.DsnOriginalRecipient,
            });
            return null;
        }

        /// <summary>A single recipient has no double; so most messages need no set.</summary>
        private bool IsDouble(MailAddress address, DraftRecipient given)
        {
            if (_recipients.Count == 0 && _seen is null)
                return false;
            if (_seen is null)
            {
                _seen = [];
                foreach (Recipient one in _recipients)
                    _seen.Add(KeyOf(one.Address, one.Original, one.Notify, one.DsnOriginalRecipient));
            }
            (string To, string Original, DsnNotify, string?) key = KeyOf(address, given.Original!, given.Notify, given.DsnOriginalRecipient);
            if (_seen.Contains(key))
                return true;
            if (Config.DuplicatesRemembered == 0 || _seen.Count < Config.DuplicatesRemembered)
                _seen.Add(key);
            return false;
        }

        private (string To, string Original, DsnNotify, string?) KeyOf(MailAddress address, MailAddress original, DsnNotify notify, string? given) =>
            (address.ToString().ToLowerInvariant(), Config.KeepsOriginal ? original.ToString().ToLowerInvariant() : "", notify, Config.KeepsOriginal ? given?.ToLowerInvariant() : null);
    }

    private MappingConfig Config => config;
    private AddressRewriter Rewriter => rewriter;
    private AddressMapper Mapper => mapper;
    private AliasTree Aliases => aliases;
    private AddressLookup Lookup => lookup;
    private RecipientKeys Keys => _keys;
}
