using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtpd;

/// <summary>
/// Compares a password with a hash of the system's <c>crypt</c>(5) (<c>$6$</c>, <c>$2b$</c>, <c>$y$</c> and what else libcrypt knows), on the thread pool and only a few at
/// once: hashing is the one thing a stranger can make us do that costs a core (E10). A hash that libcrypt refuses never fits.
/// </summary>
internal sealed partial class PasswordCheck : IDisposable
{
    /// <summary>Checks that may wait for a turn; more are told to come back.</summary>
    private const int MaximumWaiting = 100;

    /// <summary>sizeof(struct crypt_data) of libxcrypt and of glibc is less or equal.</summary>
    private const nuint CryptDataSize = 131_232;

    /// <summary>Stands in for the hash of a login that does not exist, so that its answer takes as long.</summary>
    private const string NobodysHash = "$6$estafette$YpxeQ4pLTPC4hY1oc7EEYYQzshQa9AEcJkRKgkSPvO2fbwvtlB9kUcgE0PmkfaQiQ8eVLufVQeqzB/0gndflt.";

    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));
    private int _waiting;

    /// <summary>Null for a login that does not exist: takes its time and says <see cref="CredentialCheck.Wrong"/>.</summary>
    public async ValueTask<CredentialCheck> VerifyAsync(string? hash, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > MaximumWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return CredentialCheck.Unavailable;
        }
        try
        {
            await _turns.WaitAsync(cancellationToken);
            try
            {
                bool fits = await Task.Run(() => Fits(hash ?? NobodysHash, password.Span), cancellationToken);
                return fits && hash is not null ? CredentialCheck.Right : CredentialCheck.Wrong;
            }
            finally
            {
                _turns.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turns.Dispose();

    private static unsafe bool Fits(string hash, ReadOnlySpan<byte> password)
    {
        if (password.Contains((byte)0) || hash.Length < 4)
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
                return result is not null && *result != (byte)'*'
                    && CryptographicOperations.FixedTimeEquals(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(result), setting.AsSpan(0, setting.Length - 1));
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
