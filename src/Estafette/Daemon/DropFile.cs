using System.Runtime.InteropServices;
using System.Text;
using Estafette.Config;
using Estafette.Program.Submission;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Program.Daemon;

/// <summary>
/// A message found in the drop folder. The folder is writable by everybody, so its files are hostile until proven: a regular file with one
/// link, opened without following links; the owner that the kernel names is the submitter.
/// </summary>
internal sealed partial class DropFile : IDisposable
{
    /// <summary>Octets of the envelope part.</summary>
    private const int MaximumEnvelope = 1 << 20;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 ? 0x8000 : 0x20000;

    private DropFile(FileStream stream, uint owner)
    {
        Stream = stream;
        Owner = owner;
    }

    public FileStream Stream { get; }

    public uint Owner { get; }

    /// <summary>The SMTP commands of the envelope: MAIL FROM first, then RCPT TO.</summary>
    public IReadOnlyList<string> Commands { get; private set; } = [];

    /// <summary>The reverse-path between brackets, for a notification.</summary>
    public string Sender { get; private set; } = "";

    /// <summary>
    /// Opens and reads the envelope; the stream then stands at the message. Null with a reason when it must not be taken. Never waits: what looks
    /// like a file may be a pipe that nobody writes to.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="reason">Why there is none.</param>
    /// <param name="isMessage">False where no later attempt can help.</param>
    public static DropFile? Open(string path, out string reason, out bool isMessage)
    {
        const int TooManyLinks = 40, NoDevice = 6;
        reason = "";
        isMessage = true;
        int descriptor = OpenFile(path, NoFollow | NonBlocking | CloseOnExec, 0);
        if (descriptor < 0)
        {
            isMessage = Marshal.GetLastPInvokeError() is not (TooManyLinks or NoDevice);
            reason = Native.LastError();
            return null;
        }
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!FileStamp.TryRead(handle, out FileStamp stamp, out _) || !stamp.IsRegular || stamp.Links != 1)
        {
            handle.Dispose();
            isMessage = false;
            reason = "not a regular file with a single link";
            return null;
        }
        var file = new DropFile(new FileStream(handle, FileAccess.Read, 0), stamp.User);
        if (isMessage = file.ReadEnvelope(out reason))
            return file;
        file.Dispose();
        return null;
    }

    private bool ReadEnvelope(out string reason)
    {
        var commands = new List<string>();
        var line = new List<byte>();
        Span<byte> octet = stackalloc byte[1];
        for (int total = 0; total < MaximumEnvelope; total++)
        {
            if (Stream.Read(octet) == 0)
                break;
            if (octet[0] != '\n')
            {
                line.Add(octet[0]);
                continue;
            }
            string text = Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(line));
            line.Clear();
            if (text.Length == 0)
                return Accept(commands, out reason) && IsWhole(out reason);
            if (text.StartsWith("mail ", StringComparison.Ordinal))
                commands.Insert(0, "MAIL FROM:" + text[5..]);
            else if (text.StartsWith("rcpt ", StringComparison.Ordinal))
                commands.Add("RCPT TO:" + text[5..]);
            else if (text != DropFolder.Magic)
                break;
        }
        reason = "no envelope of this format";
        return false;
    }

    private bool Accept(List<string> commands, out string reason)
    {
        reason = "";
        if (commands.Count < 2 || !commands[0].StartsWith("MAIL ", StringComparison.Ordinal) || commands.Exists(c => c.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0))
        {
            reason = "no sender, no recipient, or control characters in the envelope";
            return false;
        }
        Commands = commands;
        int open = commands[0].IndexOf('<', StringComparison.Ordinal);
        int close = commands[0].IndexOf('>', StringComparison.Ordinal);
        Sender = open >= 0 && close > open ? commands[0][(open + 1)..close] : "";
        return true;
    }

    /// <summary>The writer gives the final name last, so an unfinished message is not one of its own.</summary>
    private bool IsWhole(out string reason)
    {
        reason = "the message has no end";
        ReadOnlySpan<byte> end = "\r\n.\r\n"u8;
        long message = Stream.Position;
        if (Stream.Length - message < end.Length)
            return false;
        Span<byte> tail = stackalloc byte[end.Length];
        Stream.Position = Stream.Length - end.Length;
        Stream.ReadExactly(tail);
        Stream.Position = message;
        return tail.SequenceEqual(end);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags, uint mode);

    public void Dispose() => Stream.Dispose();
}
