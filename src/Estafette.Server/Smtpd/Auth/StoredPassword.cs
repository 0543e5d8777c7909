using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>
/// Compares a password with what a credentials table holds: a hash of the system's <c>crypt</c>(5) (<c>$6$</c>, <c>$2b$</c>, <c>$y$</c> and what else libcrypt knows), bare
/// or behind the name of its scheme as Dovecot writes it, or a SCRAM verifier. What cannot be read never fits.
/// </summary>
internal static partial class StoredPassword
{
    /// <summary>sizeof(struct crypt_data) of libxcrypt and of glibc is less or equal.</summary>
    private const nuint CryptDataSize = 131_232;

    /// <summary>Stands in where a table has no row to be like.</summary>
    public const string Nobodys = "$6$estafette$YpxeQ4pLTPC4hY1oc7EEYYQzshQa9AEcJkRKgkSPvO2fbwvtlB9kUcgE0PmkfaQiQ8eVLufVQeqzB/0gndflt.";

    /// <summary>Names of schemes that mean "as crypt(3) has it".</summary>
    private static readonly string[] s_cryptSchemes = ["{CRYPT}", "{SHA512-CRYPT}", "{SHA256-CRYPT}", "{BLF-CRYPT}", "{MD5-CRYPT}", "{DES-CRYPT}"];

    /// <summary>Null where the row is none that a password could fit.</summary>
    public static bool? Fits(string stored, ReadOnlySpan<byte> password)
    {
        if (ScramVerifier.IsMarked(stored))
            return ScramVerifier.TryParse(stored, out ScramVerifier? verifier) ? verifier.Fits(password) : null;
        return CryptText(stored) is { } hash ? FitsCrypt(hash, password) : null;
    }

    /// <summary>Whether a text has the form of a hash of crypt(3): a scheme between dollars, or the thirteen letters of the oldest one. Costs no hashing.</summary>
    public static bool LooksHashed(string stored) =>
        CryptText(stored) is { } text && (text[0] is '$' or '_' ? text.Length > 12 : text.Length == 13 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '/'));

    private static string? CryptText(string stored)
    {
        if (!stored.StartsWith('{'))
            return stored.Length < 4 ? null : stored;
        string? scheme = Array.Find(s_cryptSchemes, s => stored.StartsWith(s, StringComparison.OrdinalIgnoreCase));
        return scheme is not null && stored.Length >= scheme.Length + 4 ? stored[scheme.Length..] : null;
    }

    private static unsafe bool? FitsCrypt(string hash, ReadOnlySpan<byte> password)
    {
        if (password.Contains((byte)0))
            return false;
        byte[] setting = new byte[Encoding.UTF8.GetByteCount(hash) + 1];
        Encoding.UTF8.GetBytes(hash, setting);
        byte[] key = new byte[password.Length + 1];
        password.CopyTo(key);
        void* data = NativeMemory.AllocZeroed(CryptDataSize);
        try
        {
            fixed (byte* keyText = key)
            fixed (byte* settingText = setting)
            {
                byte* result = CryptR(keyText, settingText, data);
                if (result is null || *result == (byte)'*')
                    return null;
                return CryptographicOperations.FixedTimeEquals(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(result), setting.AsSpan(0, setting.Length - 1));
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            NativeMemory.Clear(data, CryptDataSize);
            NativeMemory.Free(data);
        }
    }

    [LibraryImport("libcrypt.so.1", EntryPoint = "crypt_r")]
    private static unsafe partial byte* CryptR(byte* key, byte* setting, void* data);
}
