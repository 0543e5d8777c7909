using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 s3, RFC 7677): enough to check a proof, not enough to log in elsewhere. Two stored forms are read:
/// PostgreSQL's <c>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey</c> and Dovecot's <c>{SCRAM-SHA-256}iterations,salt,StoredKey,ServerKey</c>. The number of iterations is
/// bounded, so that no row can burn the CPU. Its text form shows nothing of it (E54).
/// </summary>
public sealed class ScramVerifier
{
    public const int DefaultIterations = 10_000;

    /// <summary>RFC 7677 s4 asks for 4096 at least.</summary>
    public const int MinimumIterations = 4096;

    /// <summary>About half a second of a core; a row, or a server that we log in to, that asks for more is refused.</summary>
    public const int MaximumIterations = 1_000_000;

    private const int MaximumSalt = 256;
    private const int SaltLength = 16;
    private const int KeyLength = ScramKeys.Length;
    private const string PostgresPrefix = "SCRAM-SHA-256$";
    private const string DovecotPrefix = "{SCRAM-SHA-256}";

    private readonly byte[] _salt;
    private readonly byte[] _storedKey;
    private readonly byte[] _serverKey;

    private ScramVerifier(int iterations, byte[] salt, byte[] storedKey, byte[] serverKey)
    {
        Iterations = iterations;
        _salt = salt;
        _storedKey = storedKey;
        _serverKey = serverKey;
    }

    public int Iterations { get; }
    public ReadOnlySpan<byte> Salt => _salt;
    internal ReadOnlySpan<byte> StoredKey => _storedKey;
    internal ReadOnlySpan<byte> ServerKey => _serverKey;

    /// <summary>True for a text that means to be a verifier, well-formed or not.</summary>
    public static bool IsMarked(string stored) =>
        stored.StartsWith(PostgresPrefix, StringComparison.OrdinalIgnoreCase) || stored.StartsWith(DovecotPrefix, StringComparison.OrdinalIgnoreCase);

    public static bool TryParse(string stored, [NotNullWhen(true)] out ScramVerifier? verifier)
    {
        verifier = null;
        string[] parts = [];
        if (stored.StartsWith(PostgresPrefix, StringComparison.OrdinalIgnoreCase))
        {
            string[] halves = stored[PostgresPrefix.Length..].Split('$');
            if (halves.Length == 2)
                parts = [.. halves[0].Split(':'), .. halves[1].Split(':')];
        }
        else if (stored.StartsWith(DovecotPrefix, StringComparison.OrdinalIgnoreCase))
            parts = stored[DovecotPrefix.Length..].Split(',');
        if (parts.Length != 4 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations is < MinimumIterations or > MaximumIterations)
            return false;
        if (!TryBase64(parts[1], 1, MaximumSalt, out byte[] salt) || !TryBase64(parts[2], KeyLength, KeyLength, out byte[] stored1) || !TryBase64(parts[3], KeyLength, KeyLength, out byte[] server))
            return false;
        verifier = new ScramVerifier(iterations, salt, stored1, server);
        return true;
    }

    /// <summary>Null where the password holds what RFC 4013 prohibits.</summary>
    public static ScramVerifier? Create(ReadOnlySpan<byte> password, int iterations = DefaultIterations) =>
        Create(password, RandomNumberGenerator.GetBytes(SaltLength), Math.Clamp(iterations, MinimumIterations, MaximumIterations));

    /// <summary>A verifier that no password fits, for a login that does not exist: its salt is made of the login, folded as tables do it, and a secret, and so the same each time: else <c>Alice</c> beside <c>alice</c> would tell who exists.</summary>
    public static ScramVerifier Imaginary(string login, ReadOnlySpan<byte> secret, ScramVerifier? model)
    {
        byte[] key = model is null ? secret.ToArray() : HMACSHA256.HashData(secret, model._storedKey);
        byte[] salt = HKDF.Expand(HashAlgorithmName.SHA256, HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(Folded(login))), model?._salt.Length ?? SaltLength);
        return new ScramVerifier(model?.Iterations ?? DefaultIterations, salt, RandomNumberGenerator.GetBytes(KeyLength), RandomNumberGenerator.GetBytes(KeyLength));
    }

    internal static ScramVerifier? Create(ReadOnlySpan<byte> password, byte[] salt, int iterations)
    {
        if (!SaslPrep.TryPrepare(password, out byte[] prepared))
            return null;
        using var keys = new ScramKeys(prepared, salt, iterations);
        CryptographicOperations.ZeroMemory(prepared);
        return new ScramVerifier(iterations, salt, keys.Stored, keys.Server);
    }

    /// <summary>Whether this is the verifier of a password that came in clear (PLAIN, LOGIN). Takes the time of all its iterations.</summary>
    public bool Fits(ReadOnlySpan<byte> password) =>
        Create(password, _salt, Iterations) is { } made && CryptographicOperations.FixedTimeEquals(made._storedKey, _storedKey);

    /// <summary>The form of PostgreSQL, as a credentials table holds it.</summary>
    public string ToStoredText() => string.Create(CultureInfo.InvariantCulture,
        $"{PostgresPrefix}{Iterations}:{Convert.ToBase64String(_salt)}${Convert.ToBase64String(_storedKey)}:{Convert.ToBase64String(_serverKey)}");

    public override string ToString() => "a SCRAM verifier";

    private static string Folded(string login) => string.Concat(login.Select(c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c));

    private static bool TryBase64(string text, int least, int most, out byte[] octets)
    {
        octets = [];
        if (text.Length > most * 2)
            return false;
        byte[] room = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, room, out int length) || length < least || length > most)
            return false;
        octets = room[..length];
        return true;
    }
}
