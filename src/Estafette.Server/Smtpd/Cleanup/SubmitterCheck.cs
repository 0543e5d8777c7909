using System.Globalization;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Tables;

namespace Estafette.Smtpd.Cleanup;

/// <summary>Which users of this machine may hand in mail (<c>authorized_submit_users</c>), whatever program they use.</summary>
internal static class SubmitterCheck
{
    /// <summary>Null where the user may.</summary>
    public static async ValueTask<Reply?> RefusalAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        MatchList listed = session.Services.Config.LocalSubmission.Submitters;
        if (listed.IsEmpty || session.Connection.LocalUid is not { } uid)
            return null;
        string name;
        switch (await session.Services.Users.FindAsync(uid, cancellationToken))
        {
            case UserAnswer.Found found:
                name = found.User.Name;
                break;
            case UserAnswer.Unavailable:
                return CleanupEnd.Unavailable;
            default:
                name = "unknown";
                break;
        }
        ListAnswer answer = await session.Services.Tables.MatchTextAsync(listed, name, cancellationToken);
        if (answer.IsUnavailable)
            return CleanupEnd.Unavailable;
        return answer.IsMatch ? null : new Reply(550, string.Create(CultureInfo.InvariantCulture, $"5.7.1 User {name}({uid}) is not allowed to submit mail"));
    }
}
