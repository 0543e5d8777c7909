using System.Reflection;
using Estafette.Mail;
using Estafette.Spool;
using FsCheck;
using FsCheck.Fluent;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>Records to octets and back, and the order of due times.</summary>
public sealed class SpoolCodecTests
{
    [Fact]
    public void Every_property_of_an_envelope_survives()
    {
        Envelope full = Full(new MessageId(0x65f00000deadbeef));
        AssertNoDefaults(full);
        AssertNoDefaults(full.Client);
        AssertNoDefaults(full.Recipients[0]);
        using var buffer = new RecordBuffer(16);
        EnvelopeCodec.Write(buffer, full);
        var reader = new PayloadReader(buffer.Octets);
        AssertSame(full, EnvelopeCodec.Read(ref reader));
        Assert.Equal(0, reader.Remaining);
    }

    [Fact]
    public void Every_property_of_progress_survives()
    {
        RecipientProgress progress = Deferred(Noon, 7);
        AssertNoDefaults(progress, nameof(RecipientProgress.IsDone), nameof(RecipientProgress.New));
        AssertNoDefaults(progress.Last!, nameof(DeliveryOutcome.IsFinal));
        var update = new SpoolUpdate(new MessageId(5)) { Progress = [(3, progress), (900, Done)], Held = false, Remove = true };
        using var buffer = new RecordBuffer(16);
        ProgressCodec.Write(buffer, update, null);
        var reader = new PayloadReader(buffer.Octets);
        SpoolUpdate read = ProgressCodec.Read(ref reader, out bool isWhole);
        Assert.False(isWhole);
        Assert.Equal([.. update.Progress], [.. read.Progress]);
        Assert.Equal((update.Id, update.Held, update.Remove), (read.Id, read.Held, read.Remove));
    }

    [Fact]
    public void Heap_gives_the_earliest_whatever_is_added_moved_and_removed()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int[]>(), dues =>
        {
            var heap = new DueHeap<IndexEntry>();
            var model = new List<IndexEntry>();
            foreach (int due in dues)
            {
                if (due % 3 == 0 && model.Count > 0)
                {
                    IndexEntry gone = model[Math.Abs(due % model.Count)];
                    model.Remove(gone);
                    heap.Remove(gone);
                }
                var entry = new IndexEntry { Id = (ulong)model.Count, DueTicks = due };
                model.Add(entry);
                heap.Add(entry);
                Assert.Equal(model.Min(one => one.DueTicks), heap.First!.DueTicks);
            }
            while (heap.First is { } first)
            {
                Assert.Equal(model.Min(one => one.DueTicks), first.DueTicks);
                heap.Remove(first);
                model.Remove(first);
            }
            Assert.Empty(model);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Heap_serves_a_million()
    {
        var heap = new DueHeap<IndexEntry>();
        var random = new Random(1);
        for (int i = 0; i < 1_000_000; i++)
            heap.Add(new IndexEntry { Id = (ulong)i, DueTicks = random.Next() });
        long last = long.MinValue;
        for (int i = 0; i < 100_000; i++)
        {
            IndexEntry first = heap.First!;
            Assert.True(first.DueTicks >= last);
            last = first.DueTicks;
            heap.Remove(first);
        }
    }

    /// <summary>A property that has its default would not show that the codec forgot it.</summary>
    private static void AssertNoDefaults(object value, params string[] except)
    {
        foreach (PropertyInfo property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            if (except.Contains(property.Name))
                continue;
            object? set = property.GetValue(value);
            object? unset = property.PropertyType.IsValueType ? Activator.CreateInstance(property.PropertyType) : null;
            Assert.False(Equals(set, unset) || set is "", $"{value.GetType().Name}.{property.Name} has its default in the sample: set it there and see that the codec keeps it.");
        }
    }
}
