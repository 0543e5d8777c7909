using System.Runtime.InteropServices;
using System.Text;
using Estafette.Smtp;

namespace Estafette.Program.Commands;

/// <summary>What a credentials table holds of a password: a hash by the system's libcrypt, with a salt of its making, or a SCRAM verifier.</summary>
internal static partial class PasswordHash
{
    /// <summary>sizeof(struct crypt_data) of libxcrypt and of glibc is less or equal.</summary>
    private const nuint CryptDataSize = 131_232;

    /// <summary>CRYPT_GENSALT_OUTPUT_SIZE of libxcrypt.</summary>
    private const int SettingSize = 192;

    private const string Scram = "scram-sha-256";

    /// <summary>Names of schemes, the prefixes by which libcrypt knows them, and the cost: 0 is the library's own choice, which for bcrypt is too low to resist guessing (2^5 rounds).</summary>
    private static readonly (string Name, string Prefix, uint Cost)[] s_schemes = [("sha512", "$6$", 0), ("yescrypt", "$y$", 0), ("bcrypt", "$2b$", 10), ("sha256", "$5$", 0)];

    public const string DefaultScheme = "sha512";

    public static IEnumerable<string> Schemes { get; } = [Scram, .. s_schemes.Select(s => s.Name)];

    /// <summary>Null where the scheme is not known, or cannot hold this password.</summary>
    public static string? Create(string scheme, ReadOnlySpan<byte> password)
    {
        if (scheme == Scram)
            return ScramVerifier.Create(password)?.ToStoredText();
        (string? _, string? prefix, uint cost) = Array.Find(s_schemes, s => s.Name == scheme);
        return prefix is null || password.Contains((byte)0) ? null : Crypt(prefix, cost, password);
    }

    private static unsafe string? Crypt(string prefix, uint cost, ReadOnlySpan<byte> password)
    {
        byte[] key = new byte[password.Length + 1];
        password.CopyTo(key);
        void* data = NativeMemory.AllocZeroed(CryptDataSize);
        byte* setting = stackalloc byte[SettingSize];
        try
        {
            if (crypt_gensalt_rn(prefix, new CULong(cost), null, 0, setting, SettingSize) is null)
                return null;
            fixed (byte* text = key)
            {
                byte* hash = crypt_r(text, setting, data);
                return hash is null || *hash == (byte)'*' ? null : Encoding.ASCII.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(hash));
            }
        }
        finally
        {
            Array.Clear(key);
            NativeMemory.Clear(data, CryptDataSize);
            NativeMemory.Free(data);
        }
    }

    [LibraryImport("libcrypt.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* crypt_gensalt_rn(string prefix, CULong count, byte* random, int randomLength, byte* output, int outputSize);

    [LibraryImport("libcrypt.so.1")]
    private static unsafe partial byte* crypt_r(byte* key, byte* setting, void* data);
}
