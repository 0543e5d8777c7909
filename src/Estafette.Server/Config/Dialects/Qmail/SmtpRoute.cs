using System.Globalization;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// A line of <c>smtproutes</c>: <c>domain:relay[:port]</c>, with a user and a password behind it where the AUTH patches read them. <see cref="Domain"/> is empty for all mail; <see cref="Relay"/> is empty
/// for "by MX". The form of the Debian article, a host without any colon (row Q14), routes all mail, and says so in <see cref="WithoutColon"/>.
/// </summary>
internal sealed record SmtpRoute(string Domain, string Relay, int Port)
{
    private const int SmtpPort = 25;

    public string? User { get; init; }

    /// <summary>Never shown (E54).</summary>
    public string? Password { get; init; }

    /// <summary>The line names its relay only, as <c>qmail-remote</c> would not have read it.</summary>
    public bool WithoutColon { get; init; }

    /// <param name="line">The line without white space at its end.</param>
    /// <param name="route">What it says.</param>
    /// <param name="problem">What is wrong with it, for people; empty when nothing is.</param>
    public static bool TryParse(string line, out SmtpRoute? route, out string problem)
    {
        route = null;
        string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        problem = words.Length switch
        {
            0 => "the line is empty",
            2 => "a user without a password",
            > 3 => "words behind the password",
            _ => "",
        };
        if (problem.Length > 0)
            return false;
        int colon = words[0].IndexOf(':', StringComparison.Ordinal);
        string domain = colon < 0 ? "" : words[0][..colon];
        if (!TryHost(colon < 0 ? words[0] : words[0][(colon + 1)..], out string relay, out int port))
        {
            problem = "the port is no number from 1 to 65535";
            return false;
        }
        route = new SmtpRoute(domain.ToLowerInvariant(), relay, port)
        {
            User = words.Length == 3 ? words[1] : null,
            Password = words.Length == 3 ? words[2] : null,
            WithoutColon = colon < 0,
        };
        return true;
    }

    public override string ToString() => $"{Domain}:{Relay}:{Port}{(User is null ? "" : " with a login")}";

    /// <summary><c>host</c>, <c>[address]</c>, either with <c>:port</c>.</summary>
    private static bool TryHost(string text, out string host, out int port)
    {
        host = text;
        port = SmtpPort;
        int bracket = text.IndexOf(']', StringComparison.Ordinal);
        int colon = text.IndexOf(':', Math.Max(bracket, 0));
        if (colon < 0)
            return true;
        host = text[..colon];
        return colon == text.Length - 1
            || (int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and < 65536);
    }
}
