using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>Who may send under which address (<c>smtpd_sender_login_maps</c> and the reject_*_sender_login_mismatch family); says nothing where no login is offered.</summary>
internal sealed class SenderLogins(PolicyTables tables, AddressClassifier classify)
{
    private static readonly char[] s_between = [',', ' ', '\t'];
    private static readonly EnhancedStatus s_policy = new(5, 7, 1);

    public async ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, CancellationToken cancellationToken)
    {
        RestrictionFacts facts = run.Facts;
        if (!facts.LoginsOffered || facts.Sender is not { IsNull: false } sender)
            return Outcome.Dunno;
        bool asksThem = restriction.Kind != RestrictionKind.RejectUnauthenticatedSenderLoginMismatch;
        bool asksStrangers = restriction.Kind is RestrictionKind.RejectUnauthenticatedSenderLoginMismatch or RestrictionKind.RejectSenderLoginMismatch;
        if (facts.Login is null ? !asksStrangers : !asksThem)
            return Outcome.Dunno;
        var about = new ReplyAbout(RestrictionFacts.Internal(sender), ReplyAbout.SenderAddress);
        AddressStanding standing = await Standings.OfAsync(classify, run, sender, cancellationToken);
        string? owners = null;
        switch (await tables.FindOwnerAsync(run.Config, standing, cancellationToken))
        {
            case TableAnswer.Found found:
                owners = found.Value;
                break;
            case TableAnswer.Unavailable:
                return run.LookupFailed(about.Name);
        }
        if (facts.Login is not { } login)
            return owners is null ? Outcome.Dunno : run.Refuse(553, s_policy, about, "not logged in");
        if (owners is null && restriction.Kind == RestrictionKind.RejectKnownSenderLoginMismatch)
            return Outcome.Dunno;
        bool owned = owners is not null && owners.Split(s_between, StringSplitOptions.RemoveEmptyEntries).Contains(login, StringComparer.OrdinalIgnoreCase);
        return owned ? Outcome.Dunno : run.Refuse(553, s_policy, about, $"not owned by user {login}");
    }
}
