using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtp;

/// <summary>A login and its password. Never part of a log line or an exception: its text form hides the password (E54).</summary>
public sealed record SaslCredentials(string User, string Password)
{
    public override string ToString() => User + ":(hidden)";
}

/// <summary>
/// The client's part of one AUTH exchange (RFC 4954): PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195). Pure: it answers challenges; the caller sends.
/// Its lines hold the secret: they are sent, never logged.
/// </summary>
public sealed class SaslClient
{
    private readonly SaslMechanisms _mechanism;
    private readonly SaslCredentials _credentials;
    private int _step;

    private SaslClient(SaslMechanisms mechanism, SaslCredentials credentials)
    {
        _mechanism = mechanism;
        _credentials = credentials;
    }

    public string Name => _mechanism switch { SaslMechanisms.Plain => "PLAIN", SaslMechanisms.Login => "LOGIN", _ => "CRAM-MD5" };

    /// <summary>The best mechanism both know; null when there is none. Without TLS one that hides the password is preferred.</summary>
    public static SaslClient? Choose(SaslMechanisms offered, SaslCredentials credentials, bool encrypted)
    {
        ReadOnlySpan<SaslMechanisms> order = encrypted
            ? [SaslMechanisms.Plain, SaslMechanisms.Login, SaslMechanisms.CramMd5]
            : [SaslMechanisms.CramMd5, SaslMechanisms.Plain, SaslMechanisms.Login];
        foreach (SaslMechanisms mechanism in order)
        {
            if (offered.HasFlag(mechanism))
                return new SaslClient(mechanism, credentials);
        }
        return null;
    }

    /// <summary>The AUTH command, with the initial response where the mechanism has one.</summary>
    public string Begin() => _mechanism == SaslMechanisms.Plain ? "AUTH PLAIN " + PlainMessage() : "AUTH " + Name;

    /// <summary>Answers the text of a 334 reply; null when nothing more is to be said, and the exchange is to be cancelled with <c>*</c>.</summary>
    public string? Answer(string challenge)
    {
        _step++;
        return _mechanism switch
        {
            // A server that ignored the initial response asks with an empty challenge.
            SaslMechanisms.Plain => _step == 1 ? PlainMessage() : null,
            SaslMechanisms.Login => _step switch { 1 => Base64(_credentials.User), 2 => Base64(_credentials.Password), _ => null },
            _ => _step == 1 ? CramMd5Answer(challenge) : null,
        };
    }

    private string PlainMessage() => Base64("\0" + _credentials.User + "\0" + _credentials.Password);

    private string? CramMd5Answer(string challenge)
    {
        byte[] text = new byte[challenge.Length];
        if (!Convert.TryFromBase64String(challenge.Trim(), text, out int length))
            return null;
#pragma warning disable CA5351 // The mechanism is defined over MD5 (RFC 2195); it is only used where the server offers nothing better.
        byte[] digest = HMACMD5.HashData(Encoding.UTF8.GetBytes(_credentials.Password), text.AsSpan(0, length));
#pragma warning restore CA5351
        return Base64(_credentials.User + " " + Convert.ToHexStringLower(digest));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
