using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>The standing of addresses within one evaluation: each is asked for once.</summary>
internal static class Standings
{
    public static async ValueTask<AddressStanding> OfAsync(AddressClassifier classify, RestrictionRun run, MailAddress address, CancellationToken cancellationToken)
    {
        if (!run.Standings.TryGetValue(address, out AddressStanding? standing))
        {
            bool isSender = !address.Equals(run.Facts.Recipient);
            run.Standings[address] = standing = await classify(new AddressQuery(address, run.Facts.Sender ?? MailAddress.Null, isSender), cancellationToken);
        }
        return standing;
    }

    /// <summary>Mail for it is taken from everybody. A route that the sender wrote into the address is not: where it leads is not certain (E27).</summary>
    public static bool IsOurs(AddressStanding standing) => standing.Class != AddressClass.Default && !standing.IsRouted;

    /// <summary>Not even the class is known.</summary>
    public static bool IsUnclear(AddressStanding standing) => standing is { Class: AddressClass.Default, Existence: AddressExistence.Unavailable };
}
