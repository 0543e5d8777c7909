using Estafette.Spool;

namespace Estafette.Tests.Spool;

/// <summary>What the log asks the disk to do; faults are injected by it.</summary>
public enum DiskAction { Open, Create, Rename, Delete, FlushDirectory, Write, Flush }

/// <summary>
/// A disk in memory that keeps apart what was flushed and what was only written. It can fail any action, write half of it, run full, and lose its power: then
/// of everything unflushed a random part survives, sector by sector, and of the directory's changes the first few.
/// </summary>
internal sealed class SimulatedDisk
{
    private const int Sector = 512;
    private readonly Lock _gate = new();
    private Dictionary<string, Node> _names = [];
    private Dictionary<string, Node> _durableNames = [];
    private readonly List<Action<Dictionary<string, Node>>> _pendingNames = [];
    private int _generation;

    public long Capacity { get; set; } = 1L << 30;

    /// <summary>Asked before each action; a trouble makes it fail.</summary>
    public Func<DiskAction, SpoolTrouble?> Fault { get; set; } = static _ => null;

    /// <summary>How much of a failing write reaches the file.</summary>
    public Func<int, int> WrittenOfFailed { get; set; } = static _ => 0;

    public Dictionary<string, byte[]> Corrupt { get; } = [];

    public int Flushes { get; private set; }

    /// <summary>A file system on this disk, until the next crash.</summary>
    public ISpoolStorage Mount() => new Storage(this, _generation);

    /// <summary>Power loss.</summary>
    public void Crash(Random random)
    {
        lock (_gate)
        {
            _generation++;
            foreach (Action<Dictionary<string, Node>> change in _pendingNames.Take(random.Next(_pendingNames.Count + 1)))
                change(_durableNames);
            _pendingNames.Clear();
            _names = new Dictionary<string, Node>(_durableNames);
            bool allOrNothing = random.Next(4) == 0;
            foreach (Node node in _names.Values)
                node.Crash(random, allOrNothing);
        }
    }

    /// <summary>Kill -9: the page cache survives.</summary>
    public void Kill()
    {
        lock (_gate)
            _generation++;
    }

    public SimulatedDisk Copy()
    {
        lock (_gate)
        {
            var nodes = _names.ToDictionary(pair => pair.Key, pair => pair.Value.Copy());
            return new SimulatedDisk { Capacity = Capacity, _names = nodes, _durableNames = new(nodes) };
        }
    }

    public IReadOnlyList<string> Names => [.. _names.Keys.Order(StringComparer.Ordinal)];

    public byte[] Octets(string name) => _names[name].Current;

    public void Truncate(string name, int length)
    {
        Node node = _names[name];
        node.Current = node.Current[..length];
        node.Durable = node.Durable[..Math.Min(length, node.Durable.Length)];
    }

    public void Remove(string name)
    {
        _names.Remove(name);
        _durableNames.Remove(name);
    }

    private void ChangeNames(Action<Dictionary<string, Node>> change)
    {
        change(_names);
        _pendingNames.Add(change);
    }

    private sealed class Node(int length)
    {
        public byte[] Current = new byte[length];
        public byte[] Durable = new byte[length];
        public readonly HashSet<int> Dirty = [];

        public void Crash(Random random, bool allOrNothing)
        {
            bool all = random.Next(2) == 0;
            foreach (int sector in Dirty)
            {
                if (allOrNothing ? !all : random.Next(2) == 0)
                    continue;
                int start = sector * Sector;
                int count = Math.Min(Sector, Current.Length - start);
                Current.AsSpan(start, count).CopyTo(Durable.AsSpan(start));
            }
            Dirty.Clear();
            Current = (byte[])Durable.Clone();
        }

        public Node Copy() => new(0) { Current = (byte[])Current.Clone(), Durable = (byte[])Current.Clone() };
    }

    private sealed class Storage(SimulatedDisk disk, int generation) : ISpoolStorage
    {
        public long FreeBytes
        {
            get
            {
                lock (disk._gate)
                    return disk.Capacity - disk._names.Values.Sum(node => (long)node.Current.Length);
            }
        }

        public long TotalBytes => 1L << 30;

        public IReadOnlyList<StoredFile> List()
        {
            lock (disk._gate)
                return [.. disk._names.Select(pair => new StoredFile(pair.Key, pair.Value.Current.Length))];
        }

        public SpoolTrouble? Open(string name, out IStorageFile? file)
        {
            lock (disk._gate)
            {
                file = null;
                if (Refuse(DiskAction.Open) is { } trouble)
                    return trouble;
                file = new DiskFile(disk, generation, disk._names[name]);
                return null;
            }
        }

        public SpoolTrouble? Create(string name, long length, out IStorageFile? file)
        {
            lock (disk._gate)
            {
                file = null;
                if (Refuse(DiskAction.Create) is { } trouble)
                    return trouble;
                if (FreeBytes < length)
                    return new SpoolTrouble(SpoolStatus.Full, "the simulated disk is full");
                var node = new Node((int)length);
                disk.ChangeNames(names => names[name] = node);
                file = new DiskFile(disk, generation, node);
                return null;
            }
        }

        public SpoolTrouble? Rename(string from, string to)
        {
            lock (disk._gate)
            {
                if (Refuse(DiskAction.Rename) is { } trouble)
                    return trouble;
                disk.ChangeNames(names =>
                {
                    if (names.Remove(from, out Node? node))
                        names[to] = node;
                });
                return null;
            }
        }

        public SpoolTrouble? Delete(string name)
        {
            lock (disk._gate)
            {
                if (Refuse(DiskAction.Delete) is { } trouble)
                    return trouble;
                disk.ChangeNames(names => names.Remove(name));
                return null;
            }
        }

        public SpoolTrouble? FlushDirectory()
        {
            lock (disk._gate)
            {
                if (Refuse(DiskAction.FlushDirectory) is { } trouble)
                    return trouble;
                disk._durableNames = new(disk._names);
                disk._pendingNames.Clear();
                return null;
            }
        }

        public bool SetAside(string name, Action<Stream> write)
        {
            lock (disk._gate)
            {
                if (disk.Corrupt.ContainsKey(name))
                    return false;
                using var octets = new MemoryStream();
                write(octets);
                disk.Corrupt.Add(name, octets.ToArray());
                return true;
            }
        }

        public void Dispose() { }

        private SpoolTrouble? Refuse(DiskAction action) => SimulatedDisk.Refuse(disk, generation, action);
    }

    private static SpoolTrouble? Refuse(SimulatedDisk disk, int generation, DiskAction action) =>
        generation != disk._generation ? new SpoolTrouble(SpoolStatus.Unhealthy, "the power is gone") : disk.Fault(action);

    private sealed class DiskFile(SimulatedDisk disk, int generation, Node node) : IStorageFile
    {
        public long Length => node.Current.Length;

        public SpoolTrouble? Write(ReadOnlySpan<byte> octets, long offset)
        {
            lock (disk._gate)
            {
                SpoolTrouble? trouble = Refuse(disk, generation, DiskAction.Write);
                if (trouble is not null)
                    octets = octets[..(generation == disk._generation ? disk.WrittenOfFailed(octets.Length) : 0)];
                octets.CopyTo(node.Current.AsSpan((int)offset));
                for (long sector = offset / Sector; sector * Sector < offset + octets.Length; sector++)
                    node.Dirty.Add((int)sector);
                return trouble;
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            lock (disk._gate)
            {
                int count = (int)Math.Clamp(node.Current.Length - offset, 0, buffer.Length);
                node.Current.AsSpan((int)Math.Min(offset, node.Current.Length), count).CopyTo(buffer);
                return count;
            }
        }

        public SpoolTrouble? Flush()
        {
            lock (disk._gate)
            {
                disk.Flushes++;
                if (Refuse(disk, generation, DiskAction.Flush) is { } trouble)
                    return trouble;
                foreach (int sector in node.Dirty)
                {
                    int start = sector * Sector;
                    int count = Math.Min(Sector, node.Current.Length - start);
                    node.Current.AsSpan(start, count).CopyTo(node.Durable.AsSpan(start));
                }
                node.Dirty.Clear();
                return null;
            }
        }

        public void Dispose() { }
    }
}
