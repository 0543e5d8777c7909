using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>As what an address stands in a session; a sender may be known by <c>sender_canonical_maps</c> alone.</summary>
public enum AddressRole : byte { Recipient, Sender }

/// <summary>
/// Whether anybody is behind an address (ADDRESS_CLASS_README, <c>reject_unlisted_recipient</c>): whoever canonical or virtual aliases name is; else what the class's own list says, where there is one.
/// </summary>
internal sealed class Existence(MapRouting maps, AddressLookup lookup)
{
    public async ValueTask<AddressStanding> AskAsync(Resolution resolution, AddressRole role, CancellationToken cancellationToken)
    {
        var standing = new AddressStanding(resolution.Address, resolution.Class, AddressExistence.Known)
        {
            Transport = resolution.Action,
            NextHop = resolution.NextHop,
            IsRouted = resolution.IsRouted,
        };
        if (resolution.Problem == ResolutionProblem.Unavailable)
            return standing with { Existence = AddressExistence.Unavailable, Reason = resolution.Reason };
        if (resolution.Problem == ResolutionProblem.Malformed)
            return standing with { Existence = AddressExistence.Unknown, IsMalformed = true, Reason = resolution.Reason };

        ImmutableArray<string> senders = role == AddressRole.Sender ? maps.Mapping.SenderCanonical : [];
        foreach (ImmutableArray<string> tables in (ImmutableArray<string>[])[maps.Mapping.RecipientCanonical, senders, maps.Mapping.Canonical, maps.Mapping.VirtualAliases])
        {
            TableAnswer answer = await FindAsync(tables, resolution.Address, cancellationToken);
            if (answer is TableAnswer.Found)
                return standing;
            if (answer is TableAnswer.Unavailable unavailable)
                return standing with { Existence = AddressExistence.Unavailable, Reason = unavailable.Reason };
        }
        if (resolution.Action is TransportName.Error or TransportName.Retry)
            return Refused(standing, resolution);
        (ImmutableArray<string> list, string name) = resolution.Class switch
        {
            AddressClass.Local when !IsOfTheSystem(resolution.Address.LocalPart) => (maps.Classes.LocalRecipients, "local recipient"),
            AddressClass.VirtualMailbox => (maps.Classes.VirtualMailboxes, "virtual mailbox"),
            AddressClass.Relay => (maps.Classes.RelayRecipients, "relay recipient"),
            _ => ([], ""),
        };
        if (list.IsEmpty)
            return standing;
        return await FindAsync(list, resolution.Address, cancellationToken) switch
        {
            TableAnswer.Found => standing,
            TableAnswer.Unavailable unavailable => standing with { Existence = AddressExistence.Unavailable, Reason = unavailable.Reason },
            _ => standing with { Existence = AddressExistence.Unknown, Reason = maps.Classes.NamesTable ? "User unknown in " + name + " table" : "User unknown" },
        };
    }

    /// <summary>A transport that refuses says so in the session already; the text may begin with a status (error(8)).</summary>
    private static AddressStanding Refused(AddressStanding standing, Resolution resolution)
    {
        string text = resolution.NextHop;
        int blank = text.IndexOf(' ', StringComparison.Ordinal);
        if (blank > 0 && EnhancedStatus.TryParse(text.AsSpan(0, blank), out EnhancedStatus status))
            text = text[blank..].TrimStart();
        else
            status = default;
        return standing with { Existence = AddressExistence.Unknown, Reason = text, Status = status };
    }

    /// <summary>Names that every mail system has, listed or not.</summary>
    private bool IsOfTheSystem(string localPart) =>
        localPart.Equals("postmaster", StringComparison.OrdinalIgnoreCase) || localPart.Equals("mailer-daemon", StringComparison.OrdinalIgnoreCase)
        || localPart.Equals(maps.Classes.DoubleBounceSender, StringComparison.OrdinalIgnoreCase);

    private async ValueTask<TableAnswer> FindAsync(ImmutableArray<string> tables, MailAddress address, CancellationToken cancellationToken) =>
        tables.IsEmpty ? TableAnswer.NotFound.Instance : (await lookup.FindAsync(tables, address, cancellationToken)).Answer;
}
