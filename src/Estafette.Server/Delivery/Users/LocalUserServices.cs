using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>Completes a name or address that stands in an alias or forward file, and tells whose it is and which transport would take it. Null: that cannot be told now.</summary>
public delegate ValueTask<AddressStanding?> AddressResolver(string address, CancellationToken cancellationToken);

/// <summary>Reads a user's forward file, or a file that it includes; <see cref="Local.LocalWishes"/> asks the privileged side.</summary>
public delegate ValueTask<Routing.ForwardFile> WishesReader(LocalEnvelope question, CancellationToken cancellationToken);

/// <summary>What local(8) asks others, wired by the program.</summary>
/// <param name="Tables">The tables in force.</param>
/// <param name="Users">The users of the system.</param>
/// <param name="Wishes">Users' forward files.</param>
/// <param name="Resolve">Whose an address is.</param>
/// <param name="Agents">Who serves other transports.</param>
public sealed record LocalUserServices(Func<TableSet> Tables, IUserDatabase Users, WishesReader Wishes, AddressResolver Resolve, Func<IReadOnlyList<IDeliveryAgent>> Agents)
{
    public EventSink Events { get; init; } = EventSink.Silent;
}
