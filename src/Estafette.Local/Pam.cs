using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Estafette.Local;

internal enum PamVerdict : byte { Right, Wrong, Unavailable }

/// <summary>
/// One check by the system's libpam: authentication and the state of the account. The password goes to the modules through the conversation and nowhere else; modules that
/// ask for more than a password get nothing. Pauses after a failure are left to the daemon, which has its own.
/// </summary>
internal static unsafe partial class Pam
{
    private const int Success = 0, OpenError = 1, SymbolError = 2, ServiceError = 3, SystemError = 4, BufferError = 5, AuthInfoUnavailable = 9;
    private const int ConversationError = 19, Abort = 26, ModuleUnknown = 28, BadItem = 29, Incomplete = 31;
    private const int RemoteHost = 4, FailDelay = 10;
    private const int PromptEchoOff = 1, PromptEchoOn = 2;
    private const int Silent = 0x8000, DisallowEmpty = 1;
    private const int MaximumMessages = 32;

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public int Style;
        public byte* Text;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Response
    {
        public byte* Text;
        public int Unused;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Conversation
    {
        public delegate* unmanaged[Cdecl]<int, Message**, Response**, void*, int> Answer;
        public void* Data;
    }

    /// <summary>The reason is set where nobody can say; it names no secret.</summary>
    public static (PamVerdict Verdict, string Reason) Check(string service, string login, ReadOnlySpan<byte> password, string remoteHost)
    {
        byte* secret = (byte*)NativeMemory.AllocZeroed((nuint)password.Length + 1);
        password.CopyTo(new Span<byte>(secret, password.Length));
        void* handle = null;
        try
        {
            var conversation = new Conversation { Answer = &Answer, Data = secret };
            int status = pam_start(service, login, &conversation, &handle);
            if (status != Success)
                return (PamVerdict.Unavailable, $"pam_start: error {status}");
            pam_set_item(handle, FailDelay, (delegate* unmanaged[Cdecl]<int, uint, void*, void>)&NoDelay);
            if (remoteHost.Length > 0)
            {
                fixed (byte* host = Encoding.UTF8.GetBytes(remoteHost + "\0"))
                    pam_set_item(handle, RemoteHost, host);
            }
            status = pam_authenticate(handle, Silent | DisallowEmpty);
            if (status == Success)
                status = pam_acct_mgmt(handle, Silent | DisallowEmpty);
            string text = status == Success ? "" : Marshal.PtrToStringUTF8((nint)pam_strerror(handle, status)) ?? "";
            pam_end(handle, status);
            return (VerdictOf(status), $"PAM service {service}: {text}");
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return (PamVerdict.Unavailable, "libpam is not installed");
        }
        finally
        {
            NativeMemory.Clear(secret, (nuint)password.Length);
            NativeMemory.Free(secret);
        }
    }

    /// <summary>What is the machine's fault is told apart from what is the client's (E44). An expired password is a wrong one: it cannot be changed over SMTP.</summary>
    private static PamVerdict VerdictOf(int status) => status switch
    {
        Success => PamVerdict.Right,
        OpenError or SymbolError or ServiceError or SystemError or BufferError or AuthInfoUnavailable or ConversationError or Abort or ModuleUnknown or BadItem or Incomplete => PamVerdict.Unavailable,
        _ => PamVerdict.Wrong,
    };

    /// <summary>The answers are libpam's to free.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Answer(int count, Message** messages, Response** answers, void* secret)
    {
        if (count is <= 0 or > MaximumMessages)
            return ConversationError;
        var list = (Response*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(Response));
        for (int i = 0; i < count; i++)
        {
            if (messages[i]->Style is PromptEchoOff)
                list[i].Text = Copy((byte*)secret);
            else if (messages[i]->Style is PromptEchoOn)
                list[i].Text = (byte*)NativeMemory.AllocZeroed(1);
        }
        *answers = list;
        return Success;
    }

    private static byte* Copy(byte* text)
    {
        int length = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text).Length;
        byte* copy = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
        Buffer.MemoryCopy(text, copy, length, length);
        return copy;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void NoDelay(int status, uint microseconds, void* data)
    {
    }

    [LibraryImport("libpam.so.0", StringMarshalling = StringMarshalling.Utf8)] private static partial int pam_start(string service, string user, Conversation* conversation, void** handle);
    [LibraryImport("libpam.so.0")] private static partial int pam_set_item(void* handle, int item, void* value);
    [LibraryImport("libpam.so.0")] private static partial int pam_authenticate(void* handle, int flags);
    [LibraryImport("libpam.so.0")] private static partial int pam_acct_mgmt(void* handle, int flags);
    [LibraryImport("libpam.so.0")] private static partial int pam_end(void* handle, int status);
    [LibraryImport("libpam.so.0")] private static partial byte* pam_strerror(void* handle, int status);
}
