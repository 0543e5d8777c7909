using System.Text;

namespace Estafette.Config;

/// <summary>
/// The files that a configuration names, as this process may see them: what root handed over (DESIGN 6) stands before what lies on the disk. Asking never throws. What
/// was handed over can be replaced as a whole while others read; each of them sees the old or the new.
/// </summary>
public sealed class FileView(HandedFiles handed)
{
    /// <summary>Octets of a text; tables have a smaller limit of their own.</summary>
    private const int MaximumText = 128 << 20;

    private volatile HandedFiles _handed = handed;

    /// <summary>The disk alone.</summary>
    public FileView()
        : this(HandedFiles.None)
    {
    }

    public HandedFiles Handed
    {
        get => _handed;
        set => _handed = value;
    }

    /// <summary>Root reads for this process what it may not read itself: a file that is denied now may be handed over in a moment.</summary>
    public bool RootStandsBehind { get; init; }

    public FileContent Read(string path) => _handed.Find(path) is { } file ? new FileContent(file.Content) : ReadDisk(path);

    public FileState Look(string path) => _handed.Find(path) is { } file ? new FileState(FilePresence.Present, (UnixFileMode)(file.Stamp.Mode & 0xfff)) : LookAtDisk(path);

    /// <summary>The text of a file, and of nothing else. Throws what <see cref="RegularFile.ReadText"/> throws.</summary>
    public string ReadText(string path) => _handed.Find(path) is { } file ? Encoding.UTF8.GetString(file.Content.Span) : RegularFile.ReadText(path, MaximumText);

    /// <summary>The octets of a file, and of nothing else. Throws what <see cref="RegularFile.ReadOctets"/> throws.</summary>
    public ReadOnlyMemory<byte> ReadOctets(string path) => _handed.Find(path) is { } file ? file.Content : RegularFile.ReadOctets(path, MaximumText);

    /// <summary>The state of a file without reading it: of the one handed over, as it was when root read it.</summary>
    public bool TryStamp(string path, out FileStamp stamp, out FileFailure failure)
    {
        if (_handed.Find(path) is not { } file)
            return FileStamp.TryRead(path, out stamp, out failure);
        (stamp, failure) = (file.Stamp, default);
        return true;
    }

    private static FileContent ReadDisk(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using var content = new MemoryStream();
            byte[] buffer = new byte[16 * 1024];
            int count;
            while ((count = file.Read(buffer)) > 0)
            {
                // Counted while reading: a device or a pipe has no length that could be asked before.
                if (content.Length + count > FileContent.MaximumSize)
                    return new FileContent(default, "it is larger than 16 MiB");
                content.Write(buffer, 0, count);
            }
            return new FileContent(content.ToArray());
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            return new FileContent(default, "there is no such file");
        }
        catch (UnauthorizedAccessException)
        {
            return new FileContent(default, Directory.Exists(path) ? "it is a folder" : "permission denied");
        }
        catch (Exception problem) when (problem is IOException or ArgumentException or NotSupportedException)
        {
            return new FileContent(default, problem.Message);
        }
    }

    private static FileState LookAtDisk(string path)
    {
        try
        {
            return new FileState(FilePresence.Present, File.GetUnixFileMode(path));
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            return new FileState(FilePresence.Missing);
        }
        catch (Exception problem) when (problem is UnauthorizedAccessException or IOException or ArgumentException)
        {
            return new FileState(FilePresence.Unknown);
        }
    }
}
