using System.Collections.Frozen;

namespace Estafette.Config;

/// <summary>One file as root read it, under the path by which the configuration names it. May hold a secret: never printed.</summary>
public sealed record HandedFile(string Path, FileStamp Stamp, ReadOnlyMemory<byte> Content)
{
    public override string ToString() => Path;
}

/// <summary>The files that root read for a process that may not (DESIGN 6).</summary>
public sealed class HandedFiles
{
    private readonly FrozenDictionary<string, HandedFile> _files;

    public HandedFiles(IEnumerable<HandedFile> files) => _files = files.ToFrozenDictionary(f => f.Path, StringComparer.Ordinal);

    public static HandedFiles None { get; } = new([]);

    public IReadOnlyCollection<HandedFile> All => _files.Values;

    public HandedFile? Find(string path) => _files.GetValueOrDefault(path);
}
