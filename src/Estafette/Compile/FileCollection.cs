using Estafette.Config;
using Estafette.Program.Daemon;

namespace Estafette.Program.Compile;

/// <summary>
/// Reads, as root, those files that the daemon's user may not read. A file whose path somebody else could lead elsewhere is left alone: root would hand out what that
/// one may not see. Sizes are bounded; what is not handed over is told in words.
/// </summary>
internal sealed class FileCollection(DaemonUser daemon, List<string> warnings)
{
    private readonly List<HandedFile> _files = [];
    private long _room = HandoverCodec.MaximumSize - (8 << 20);

    public IReadOnlyList<HandedFile> Files => _files;

    public void AddRange(IEnumerable<string> paths)
    {
        foreach (string path in paths)
            Add(path);
    }

    private void Add(string path)
    {
        PathWalk walk = PathWalk.Of(path);
        // What is missing is told by who needs it.
        if (walk.Failure is not null || walk.MayRead(daemon))
            return;
        string? why = !walk.End.IsRegular ? "it is no regular file"
            : walk.Stranger() is string stranger ? $"not only root can change it: {stranger}"
            : walk.End.Size > HandoverCodec.MaximumFile ? $"it is larger than {HandoverCodec.MaximumFile >> 20} MiB"
            : walk.End.Size > _room ? $"all such files together are larger than {HandoverCodec.MaximumSize >> 20} MiB"
            : null;
        if (why is not null)
        {
            warnings.Add($"{path} cannot be read by the mail server's user {daemon.Name}, and root does not read it instead: {why} (cure: let the user's group read it)");
            return;
        }
        try
        {
            using FileStream file = File.OpenRead(path);
            // One octet more shows a file that grows: it is looked at again when it stands still.
            byte[] content = new byte[walk.End.Size + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length < content.Length)
                _files.Add(new HandedFile(path, walk.End, content.AsMemory(0, length)));
            _room -= length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            warnings.Add(e.Message);
        }
    }
}
