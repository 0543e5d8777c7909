using System.Security.Cryptography;

namespace Estafette.Smtp;

/// <summary>The arithmetic of SCRAM-SHA-256 (RFC 5802 s3), the same for who proves a password and for who keeps its verifier. The keys are cleared by disposing them.</summary>
internal sealed class ScramKeys : IDisposable
{
    public const int Length = SHA256.HashSizeInBytes;

    private readonly byte[] _client;
    private readonly byte[] _server;

    /// <param name="password">As SASLprep made it.</param>
    /// <param name="salt">Of the verifier.</param>
    /// <param name="iterations">Judged by the caller: the time they take is his.</param>
    public ScramKeys(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations)
    {
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, Length);
        _client = HMACSHA256.HashData(salted, "Client Key"u8);
        _server = HMACSHA256.HashData(salted, "Server Key"u8);
        CryptographicOperations.ZeroMemory(salted);
    }

    public byte[] Stored => SHA256.HashData(_client);
    public byte[] Server => _server.AsSpan().ToArray();

    /// <summary>What the client proves by; its key, masked by a signature that only who knows the stored key can make.</summary>
    public byte[] Proof(ReadOnlySpan<byte> transcript)
    {
        byte[] proof = HMACSHA256.HashData(Stored, transcript);
        Mask(proof, _client);
        return proof;
    }

    /// <summary>What the server proves by.</summary>
    public static byte[] Signature(ReadOnlySpan<byte> serverKey, ReadOnlySpan<byte> transcript) => HMACSHA256.HashData(serverKey, transcript);

    public byte[] Signature(ReadOnlySpan<byte> transcript) => Signature(_server, transcript);

    /// <summary>Whether a proof was made by who has the key behind <paramref name="storedKey"/>.</summary>
    public static bool ProofFits(ReadOnlySpan<byte> storedKey, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> proof)
    {
        byte[] clientKey = HMACSHA256.HashData(storedKey, transcript);
        Mask(clientKey, proof);
        bool fits = CryptographicOperations.FixedTimeEquals(SHA256.HashData(clientKey), storedKey);
        CryptographicOperations.ZeroMemory(clientKey);
        return fits;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_client);
        CryptographicOperations.ZeroMemory(_server);
    }

    private static void Mask(Span<byte> key, ReadOnlySpan<byte> by)
    {
        for (int i = 0; i < key.Length; i++)
            key[i] ^= by[i];
    }
}
