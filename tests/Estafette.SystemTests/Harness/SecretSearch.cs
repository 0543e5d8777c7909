using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Estafette.SystemTests.Harness;

internal sealed record SecretFound(string File, int Line, string Form)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}: {Form}");
}

/// <summary>
/// Looks through files for what may never be written (E54): the password marker as it is, reversed, in UTF-16, hexadecimal, decimal, escaped for URLs or strings, or
/// inside base64 at each of the three alignments; SASL messages by the login marker inside base64 and by the beginnings that SCRAM gives them; private keys; password hashes.
/// </summary>
internal static partial class SecretSearch
{
    private static readonly (string Form, byte[] Octets)[] s_forms = [.. Forms()];

    public static IEnumerable<SecretFound> Folder(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).SelectMany(f => Octets(f, File.ReadAllBytes(f)));

    public static IEnumerable<SecretFound> Octets(string name, byte[] octets)
    {
        foreach ((string form, byte[] wanted) in s_forms)
        {
            int at = octets.AsSpan().IndexOf(wanted);
            if (at >= 0)
                yield return new SecretFound(name, LineOf(octets, at), form);
        }
        if (octets.AsSpan().IndexOfAny("${"u8) < 0)
            yield break;
        Match hash = Hash().Match(Encoding.Latin1.GetString(octets));
        if (hash.Success)
            yield return new SecretFound(name, LineOf(octets, hash.Index), "a password hash");
    }

    private static int LineOf(byte[] octets, int at) => 1 + octets.AsSpan(0, at).Count((byte)'\n');

    private static IEnumerable<(string Form, byte[] Octets)> Forms()
    {
        byte[] marker = Encoding.ASCII.GetBytes(Secrets.PasswordMarker);
        yield return ("a password", marker);
        yield return ("a password, reversed", [.. marker.Reverse()]);
        yield return ("a password in UTF-16", Encoding.Unicode.GetBytes(Secrets.PasswordMarker));
        yield return ("a password in UTF-16, big endian", Encoding.BigEndianUnicode.GetBytes(Secrets.PasswordMarker));
        foreach ((string before, string between) in ((string, string)[])[("", ""), ("", " "), ("", "-"), ("", ":"), ("\\x", "\\x"), ("0x", ", 0x"), ("%", "%")])
        {
            foreach (string format in (string[])["x2", "X2"])
                yield return ("a password in hexadecimal", Encoding.ASCII.GetBytes(before + string.Join(between, marker.Select(b => b.ToString(format, CultureInfo.InvariantCulture)))));
        }
        foreach (string between in (string[])[",", ", ", " "])
            yield return ("a password in decimal", Encoding.ASCII.GetBytes(string.Join(between, marker)));
        yield return ("a password in escapes", Encoding.ASCII.GetBytes(string.Concat(marker.Select(b => $"\\u{b:x4}"))));
        for (int before = 0; before < 3; before++)
        {
            yield return ("a password in base64", Encoding.ASCII.GetBytes(Base64(marker, before)));
            yield return ("a password in base64, reversed", [.. Encoding.ASCII.GetBytes(Base64(marker, before)).Reverse()]);
            yield return ("a SASL message", Encoding.ASCII.GetBytes(Base64(Encoding.ASCII.GetBytes(Secrets.LoginMarker), before)));
        }
        // The client's last message of SCRAM (RFC 5802 s7), without and with channel binding, as it is and as it travels.
        foreach (string begin in (string[])["c=biws,r=", "c=cD10bHM", "c=eSws,r="])
        {
            yield return ("a SCRAM message", Encoding.ASCII.GetBytes(begin));
            yield return ("a SCRAM message", Encoding.ASCII.GetBytes(Base64(Encoding.ASCII.GetBytes(begin), 0)));
        }
        yield return ("a private key", "PRIVATE KEY-----"u8.ToArray());
        yield return ("a private key in UTF-16", Encoding.Unicode.GetBytes("PRIVATE KEY-----"));
        // How every PKCS #8 key on P-256, and every one of RSA, goes on.
        yield return ("a private key", "MIGHAgEAMBMGByqGSM49AgEG"u8.ToArray());
        yield return ("a private key", "IBADANBgkqhkiG9w0BAQEFAASC"u8.ToArray());
    }

    /// <summary>The part of the base64 text that only the octets decide, when others stand before and behind them.</summary>
    internal static string Base64(byte[] octets, int before)
    {
        string text = Convert.ToBase64String([.. new byte[before], .. octets]);
        int first = (before * 8 + 5) / 6;
        return text[first..((before + octets.Length) * 8 / 6)];
    }

    /// <summary>Of crypt(3), and the verifiers of SCRAM in both of their stored forms.</summary>
    [GeneratedRegex(@"SCRAM-SHA-256(?:\$\d+:|\}\d+,)[A-Za-z0-9+/]{8}|\$(?:6|5|y|gy|7|2[aby])\$(?:[^$\s""]{1,40}\$){0,2}[./A-Za-z0-9]{20}", RegexOptions.NonBacktracking)]
    private static partial Regex Hash();
}
