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
    /// <summary>The full sample without next hops, as version 1 wrote it.</summary>
    private const string Version1 =
        "EFBEADDE0000F065002862F9B377DE08D4FEFFFF393000000000000002020F06616C6963650C6578616D706C652E6F72670951512B32423331341032"
        + "547698BADCFE0D323030313A6462383A3A3235C0B80213636C69656E742E6578616D706C652E6F72670C5B3139322E302E322E315D0845534D545053"
        + "4107C3A46C69636501E803000008544C5376312E3317544C535F4145535F3235365F47434D5F534841333834800208696E626F756E6403FFFFFFFF0E"
        + "626F62343239343936373239350C6578616D706C652E6E65740E626F62343239343936373239350C6578616D706C652E6E65740672656C6179010462"
        + "6F620A177266633832323B626F62406578616D706C652E6E6574010B6F776E65722D6C6973740C6578616D706C652E6F7267066C6973747302000000"
        + "05626F62320C6578616D706C652E6E657405626F62320C6578616D706C652E6E65740672656C6179020E2F7661722F6D61696C2F626F6204626F6201"
        + "000000010300000005626F62330C6578616D706C652E6E657405626F62330C6578616D706C652E6E65740672656C6179030B65786563202263617422"
        + "066361726F6C01000001010101";

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

    /// <summary>E59: a spool that version 1 wrote is read. The next hop, which it did not know, takes no octet where there is none.</summary>
    [Fact]
    public void E59_an_envelope_of_version_1_is_read()
    {
        Envelope old = Full(new MessageId(0x65f00000deadbeef));
        old = old with { Recipients = [.. old.Recipients.Select(r => r with { NextHop = "" })] };
        byte[] written = Convert.FromHexString(Version1);
        var reader = new PayloadReader(written);
        AssertSame(old, EnvelopeCodec.Read(ref reader));
        using var buffer = new RecordBuffer(16);
        EnvelopeCodec.Write(buffer, old);
        Assert.Equal(Version1, Convert.ToHexString(buffer.Octets));
    }

    [Fact]
    public void Every_property_of_progress_survives()
    {
        RecipientProgress progress = Deferred(Noon, 7);
        AssertNoDefaults(progress, nameof(RecipientProgress.IsDone), nameof(RecipientProgress.New));
        // What is told at once is never stored.
        AssertNoDefaults(progress.Last!, nameof(DeliveryOutcome.IsFinal), nameof(DeliveryOutcome.Parts), nameof(DeliveryOutcome.Diagnostic));
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
