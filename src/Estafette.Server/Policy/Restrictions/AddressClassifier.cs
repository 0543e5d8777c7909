using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>An address of a session, and the sender that the way of a recipient may depend on.</summary>
public readonly record struct AddressQuery(MailAddress Address, MailAddress Sender, bool IsSender);

/// <summary>What the routing knows of an address (without a domain: of this server's). The program wires it, since policy stands beside routing.</summary>
public delegate ValueTask<AddressStanding> AddressClassifier(AddressQuery query, CancellationToken cancellationToken);
