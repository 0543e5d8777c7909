using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtp;

/// <summary>A login and its password. Never part of a log line or an exception: its text form hides the password (E54).</summary>
public sealed record SaslCredentials(string User, string Password)
{
    public override string ToString() => User + ":(hidden)";
}

/// <summary>What the connection offers a login.</summary>
/// <param name="IsEncrypted">Nobody on the way reads along.</param>
/// <param name="PasswordMayPass">The password may be sent as it is (PLAIN, LOGIN): to whom, the caller has judged.</param>
public readonly record struct SaslChannel(bool IsEncrypted, bool PasswordMayPass)
{
    /// <summary>Hash of the server's certificate (<c>tls-server-end-point</c>); null where there is none to bind to.</summary>
    public byte[]? EndPoint { get; init; }
}

/// <summary>
/// The client's part of one AUTH exchange (RFC 4954): SCRAM-SHA-256(-PLUS), CRAM-MD5 (RFC 2195), PLAIN (RFC 4616), LOGIN. Pure: it answers challenges; the caller sends.
/// Its lines hold the secret: they are sent, never logged.
/// </summary>
public sealed class SaslClient
{
    private readonly SaslMechanisms _mechanism;
    private readonly SaslCredentials _credentials;
    private readonly ScramClient? _scram;
    private int _step;
    private int _asked;

    private SaslClient(SaslMechanisms mechanism, SaslCredentials credentials, ScramClient? scram)
    {
        _mechanism = mechanism;
        _credentials = credentials;
        _scram = scram;
    }

    public string Name => NameOf(_mechanism);

    /// <summary>False after a mechanism in which the server proves itself too, and did not: whoever it is, it gets no mail.</summary>
    public bool ServerIsProven => _scram is null || _scram.IsProven;

    /// <summary>What the server did wrong, so that the exchange was ended; null when nothing.</summary>
    public string? Fault => _scram?.Fault;

    public static string NameOf(SaslMechanisms mechanism) => mechanism switch
    {
        SaslMechanisms.ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        SaslMechanisms.ScramSha256 => "SCRAM-SHA-256",
        SaslMechanisms.CramMd5 => "CRAM-MD5",
        SaslMechanisms.Plain => "PLAIN",
        _ => "LOGIN",
    };

    /// <summary>
    /// The strongest mechanism both know; null when there is none that may be used here. CRAM-MD5, whose challenge can be guessed at, stands before the plain ones only
    /// where those would be read by others.
    /// </summary>
    public static SaslClient? Choose(SaslMechanisms offered, SaslCredentials credentials, SaslChannel channel)
    {
        if (channel.EndPoint is { } binding && offered.HasFlag(SaslMechanisms.ScramSha256Plus))
            return new SaslClient(SaslMechanisms.ScramSha256Plus, credentials, new ScramClient(credentials, binding, couldBind: true));
        if (offered.HasFlag(SaslMechanisms.ScramSha256))
        {
            // Whoever offers PLUS, and we cannot, must not take our silence for somebody's having removed it.
            bool couldBind = channel.EndPoint is not null;
            return new SaslClient(SaslMechanisms.ScramSha256, credentials, new ScramClient(credentials, null, couldBind));
        }
        ReadOnlySpan<SaslMechanisms> order = channel.IsEncrypted
            ? [SaslMechanisms.Plain, SaslMechanisms.Login, SaslMechanisms.CramMd5]
            : [SaslMechanisms.CramMd5, SaslMechanisms.Plain, SaslMechanisms.Login];
        foreach (SaslMechanisms mechanism in order)
        {
            if (offered.HasFlag(mechanism) && (channel.PasswordMayPass || mechanism == SaslMechanisms.CramMd5))
                return new SaslClient(mechanism, credentials, null);
        }
        return null;
    }

    /// <summary>The AUTH command, with the initial response where the mechanism has one.</summary>
    public string Begin() => _mechanism == SaslMechanisms.Plain ? "AUTH PLAIN " + PlainMessage()
        : _scram is not null ? "AUTH " + Name + " " + Base64(_scram.First())
        : "AUTH " + Name;

    /// <summary>Answers the text of a 334 reply; null when nothing more is to be said, and the exchange is to be cancelled with <c>*</c>.</summary>
    public string? Answer(string challenge)
    {
        _step++;
        return _mechanism switch
        {
            // A server that ignored the initial response asks with an empty challenge.
            SaslMechanisms.Plain => _step == 1 ? PlainMessage() : null,
            SaslMechanisms.Login => _step switch { 1 => Base64(_credentials.User), 2 => Base64(_credentials.Password), _ => null },
            SaslMechanisms.CramMd5 => _step == 1 ? CramMd5Answer(challenge) : null,
            _ => ScramAnswer(challenge),
        };
    }

    private string? ScramAnswer(string challenge)
    {
        if (_step == 1 && challenge.Trim().Length == 0)
        {
            _step = 0;
            return _asked++ == 0 ? Base64(_scram!.First()) : null;
        }
        return Decoded(challenge) is { } message && _scram!.Answer(Encoding.UTF8.GetString(message)) is { } answer ? Base64(answer) : null;
    }

    private string PlainMessage() => Base64("\0" + _credentials.User + "\0" + _credentials.Password);

    private string? CramMd5Answer(string challenge)
    {
        if (Decoded(challenge) is not { } text)
            return null;
#pragma warning disable CA5351 // The mechanism is defined over MD5 (RFC 2195); it is only used where the server offers nothing better.
        byte[] digest = HMACMD5.HashData(Encoding.UTF8.GetBytes(_credentials.Password), text);
#pragma warning restore CA5351
        return Base64(_credentials.User + " " + Convert.ToHexStringLower(digest));
    }

    private static byte[]? Decoded(string base64)
    {
        byte[] room = new byte[base64.Length];
        return Convert.TryFromBase64String(base64.Trim(), room, out int length) ? room[..length] : null;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
