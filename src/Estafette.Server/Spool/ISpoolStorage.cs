namespace Estafette.Spool;

/// <summary>
/// The little that the log asks of a file system, so that tests can put one below it that fails, lies half-written or loses its power.
/// Every answer is a value: null for success, else <see cref="SpoolStatus.Full"/> or <see cref="SpoolStatus.Unhealthy"/> with the reason.
/// </summary>
internal interface ISpoolStorage : IDisposable
{
    /// <summary>Free octets for this process; what the operator's minimum is compared with.</summary>
    long FreeBytes { get; }

    /// <summary>Octets of the whole file system, free or not.</summary>
    long TotalBytes { get; }

    IReadOnlyList<StoredFile> List();

    /// <summary>Opens an existing file for reading and writing.</summary>
    SpoolTrouble? Open(string name, out IStorageFile? file);

    /// <summary>Creates a file with all its room taken, so that later writes into it need none.</summary>
    SpoolTrouble? Create(string name, long length, out IStorageFile? file);

    SpoolTrouble? Rename(string from, string to);
    SpoolTrouble? Delete(string name);

    /// <summary>Makes creations, renames and deletions durable.</summary>
    SpoolTrouble? FlushDirectory();

    /// <summary>Keeps evidence of damage for the operator; false when it was there already.</summary>
    bool SetAside(string name, Action<Stream> write);
}

/// <summary>A file the storage lists.</summary>
internal readonly record struct StoredFile(string Name, long Length);

internal interface IStorageFile : IDisposable
{
    long Length { get; }
    SpoolTrouble? Write(ReadOnlySpan<byte> octets, long offset);

    /// <summary>Fills as much of the buffer as the file has from there. Throws <see cref="IOException"/> where the disk cannot read.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>Returns when the written octets are on the disk. After a failure nobody knows what is: it must not be tried again.</summary>
    SpoolTrouble? Flush();
}
