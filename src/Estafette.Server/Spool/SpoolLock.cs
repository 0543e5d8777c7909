using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Spool;

/// <summary>
/// The exclusive lock on the spool folder (E57). The kernel holds it for the open file, so a killed owner leaves nothing behind and a process id of
/// another container means nothing; the file's text only names the owner for people.
/// </summary>
internal sealed class SpoolLock : IDisposable
{
    private const int MaxOwnerText = 512;
    private readonly SafeFileHandle _file;

    private SpoolLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes the lock; else <paramref name="refusal"/> says who has it.</summary>
    public static SpoolLock? TryTake(string directory, TimeProvider clock, out string refusal)
    {
        string path = Path.Combine(directory, "lock");
        SafeFileHandle file = NativeFile.Open(path, NativeFile.ReadWriteCreate, 0x180 /* rw for the owner */);
        if (file.IsInvalid)
        {
            const int AccessDenied = 13;
            refusal = $"cannot open {path}: {Marshal.GetLastPInvokeErrorMessage()}"
                + (Marshal.GetLastPInvokeError() == AccessDenied ? $" (the spool is another user's: `chown -R {Environment.UserName} {directory}`, or start as the user it belongs to)" : "");
            file.Dispose();
            return null;
        }
        if (NativeFile.Lock(file, NativeFile.LockExclusive | NativeFile.LockNonBlocking) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            refusal = error == NativeFile.WouldBlock
                ? $"the spool {directory} is in use by {Owner(file)}"
                : $"cannot lock {path}: {Marshal.GetPInvokeErrorMessage(error)}";
            file.Dispose();
            return null;
        }
        refusal = "";
        string owner = string.Create(CultureInfo.InvariantCulture,
            $"pid {Environment.ProcessId} on {Environment.MachineName} since {clock.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}\n");
        try
        {
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(owner), 0);
        }
        catch (IOException)
        {
            // A full disk: the lock itself stands, only the owner's name is missing.
        }
        return new SpoolLock(file);
    }

    public void Dispose() => _file.Dispose();

    private static string Owner(SafeFileHandle file)
    {
        Span<byte> text = stackalloc byte[MaxOwnerText];
        try
        {
            string owner = Encoding.UTF8.GetString(text[..RandomAccess.Read(file, text, 0)]).Trim();
            return owner.Length == 0 ? "another process" : owner;
        }
        catch (IOException)
        {
            return "another process";
        }
    }
}
