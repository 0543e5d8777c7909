using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Config;

/// <summary>
/// Opens files that somebody else may have put there, and only files: a pipe that nobody writes to would hold the reader for ever, a device fill its memory. Never waits;
/// looks at what is open, not at what the path meant a moment ago. Throws what <see cref="File.OpenHandle"/> throws, and <see cref="IOException"/> for anything else than a file.
/// </summary>
public static partial class RegularFile
{
    private const int NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int NoEntry = 2, AccessDenied = 13, NotFolder = 20;

    /// <summary>Written where an empty file is meant.</summary>
    private const string Nothing = "/dev/null";

    public static SafeFileHandle Open(string path)
    {
        int descriptor = OpenFile(path, NonBlocking | CloseOnExec, 0);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error switch
            {
                NoEntry => new FileNotFoundException($"Could not find file '{path}'."),
                NotFolder => new DirectoryNotFoundException($"Could not find a part of the path '{path}'."),
                AccessDenied => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
                _ => new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}"),
            };
        }
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (FileStamp.TryRead(file, out FileStamp stamp, out _) && stamp.IsRegular)
            return file;
        file.Dispose();
        throw stamp.IsFolder ? new UnauthorizedAccessException($"{path} is a folder") : new IOException($"{path} is no regular file");
    }

    /// <summary>The whole text; a file that is or grows larger than <paramref name="maximum"/> octets is an <see cref="IOException"/>.</summary>
    public static string ReadText(string path, int maximum)
    {
        ReadOnlySpan<byte> text = ReadOctets(path, maximum).Span;
        return Encoding.UTF8.GetString(text.StartsWith(Encoding.UTF8.Preamble) ? text[Encoding.UTF8.Preamble.Length..] : text);
    }

    /// <summary>All octets; a file that is or grows larger than <paramref name="maximum"/> is an <see cref="IOException"/>.</summary>
    public static ReadOnlyMemory<byte> ReadOctets(string path, int maximum)
    {
        if (path == Nothing)
            return default;
        using SafeFileHandle file = Open(path);
        long length = RandomAccess.GetLength(file);
        if (length >= maximum)
            throw new IOException($"{path} is larger than {maximum} octets");
        byte[] octets = new byte[length + 1];
        int count = 0, read;
        while (count < octets.Length && (read = RandomAccess.Read(file, octets.AsSpan(count), count)) > 0)
            count += read;
        return octets.AsMemory(0, count);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags, int mode);
}
