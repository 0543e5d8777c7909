namespace Estafette.Config;

/// <summary>
/// The configuration that runs where none is given (<c>./run</c>): a server for this machine only, on a port that needs no rights, with mailboxes in
/// its own folder. It is written in the project's language, so that it shows how to go on; docs/smtpd-conf.md prints the same text.
/// </summary>
public static class Preset
{
    /// <summary>What the configuration is called in messages; no file has this name.</summary>
    public const string Name = "<default>";

    private const string Text = """
        # Mail for users of this machine goes to Maildirs below @STATE@/mail, everything else
        # that is sent from here goes out by MX. Nobody else may connect.

        table aliases { postmaster = root, abuse = postmaster, root = "@USER@" }

        # A certificate that the server makes itself; see `pki` for how to use one that others trust.
        pki * self-signed
        listen on 127.0.0.1 port 2525 tls
        smtp announce all

        action "local" maildir "@STATE@/mail/%{user.username}" alias <aliases> user "@RUNAS@"
        action "relay" relay

        match for local action "local"
        match from local for any action "relay"

        """;

    /// <summary>The text with its places filled: the state folder, who reads root's mail, and the user that mailboxes belong to.</summary>
    public static string Fill(string stateFolder, string mailUser, string runAs) => Text
        .Replace("@STATE@", Escape(stateFolder), StringComparison.Ordinal)
        .Replace("@USER@", Escape(mailUser), StringComparison.Ordinal)
        .Replace("@RUNAS@", Escape(runAs), StringComparison.Ordinal);

    private static string Escape(string value)
    {
        if (value.Any(char.IsControl))
            throw new ArgumentException("a name or folder with control characters cannot be written into a configuration", nameof(value));
        return value.Replace("\"", "\\\"", StringComparison.Ordinal);
    }
}
