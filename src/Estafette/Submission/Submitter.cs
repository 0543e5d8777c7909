using System.Globalization;
using Estafette.Mail;
using Estafette.Program.Daemon;
using Estafette.Tables;

namespace Estafette.Program.Submission;

/// <summary>Who calls sendmail(1), and as whom they want to send: <c>-f</c> and <c>-F</c>, else the login and full name of the real uid.</summary>
internal sealed record Submitter(MailAddress Address, string? FullName)
{
    public static async Task<Submitter> CurrentAsync(string hostName, SendmailOptions options)
    {
        uint uid = Native.RealUser();
        UserRecord? user = await new SystemUsers(TimeProvider.System).FindAsync(uid, CancellationToken.None) is UserAnswer.Found found ? found.User : null;
        string login = user?.Name ?? uid.ToString(CultureInfo.InvariantCulture);
        MailAddress address = options.Sender switch
        {
            null => new MailAddress(login, hostName),
            "" => MailAddress.Null,
            string given => Split(Qualify(given, hostName)),
        };
        // The full name belongs to the person who calls, not to the null sender.
        return new Submitter(address, options.FullName ?? (address.IsNull ? null : FullNameOf(user)));
    }

    /// <summary>The first part of the GECOS field; <c>&amp;</c> stands for the login, capitalised (passwd(5)).</summary>
    public static string? FullNameOf(UserRecord? user)
    {
        string name = user?.Gecos.Split(',')[0] ?? "";
        if (name.Length == 0)
            return null;
        return name.Replace("&", char.ToUpperInvariant(user!.Name[0]) + user.Name[1..], StringComparison.Ordinal);
    }

    /// <summary>A name without a domain is one of this host.</summary>
    public static string Qualify(string address, string hostName)
    {
        string bare = address.Length >= 2 && address[0] == '<' && address[^1] == '>' ? address[1..^1] : address;
        int at = bare.LastIndexOf('@');
        bool quotedAt = at >= 0 && bare.EndsWith('"');
        return bare.Length == 0 || (at >= 0 && !quotedAt) ? bare : bare + "@" + hostName;
    }

    private static MailAddress Split(string address)
    {
        int at = address.LastIndexOf('@');
        return new MailAddress(address[..at].Trim('"'), address[(at + 1)..]);
    }
}
