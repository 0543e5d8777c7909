using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Estafette.Program.Commands;

/// <summary>A SHA-512 crypt hash by the system's libcrypt, as credentials tables hold it.</summary>
internal static partial class PasswordHash
{
    [LibraryImport("libcrypt.so.1", EntryPoint = "crypt", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Crypt(string password, string setting);

    public static string Create(string password)
    {
        const string letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        string salt = new(RandomNumberGenerator.GetItems<char>(letters, 16));
        return Marshal.PtrToStringUTF8(Crypt(password, $"$6${salt}$")) ?? throw new InvalidOperationException("crypt(3) refused the setting $6$");
    }
}
