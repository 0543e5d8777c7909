using Estafette.Mail;
using Estafette.Spool;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>What every store promises; each store runs all of it.</summary>
public abstract class SpoolContract : IAsyncLifetime
{
    protected ISpool Spool { get; private set; } = null!;

    protected abstract Task<ISpool> OpenAsync();

    public async Task InitializeAsync() => Spool = await OpenAsync();

    public virtual async Task DisposeAsync() => await Spool.DisposeAsync();

    [Fact]
    public async Task Committed_message_is_found_with_envelope_and_body()
    {
        byte[] octets = Body(10_000, 1);
        await using ISpoolWriter writer = Spool.Begin();
        for (int i = 0; i < octets.Length; i += 1000)
            Assert.Equal(SpoolStatus.Ok, await writer.WriteAsync(octets.AsMemory(i, 1000), default));
        Assert.Equal(octets.Length, writer.Length);
        Assert.Equal(0, Spool.Count);
        Assert.Null(await Spool.FindAsync(writer.Id, default));
        Envelope envelope = Full(writer.Id);
        Assert.Equal(SpoolStatus.Ok, await writer.CommitAsync(envelope, false, null, default));

        Assert.Equal(1, Spool.Count);
        SpooledMessage? found = await Spool.FindAsync(writer.Id, default);
        AssertSame(envelope, found!.Envelope);
        Assert.True(found.Held);
        Assert.Equal<RecipientProgress>([RecipientProgress.New, RecipientProgress.New, RecipientProgress.New], [.. found.Progress]);
        Assert.Equal<byte[]?>(octets, await ReadAsync(Spool, writer.Id));
    }

    [Fact]
    public async Task Message_without_octets_has_an_empty_body()
    {
        MessageId id = await CommitAsync(Spool, []);
        Assert.Equal<byte[]?>([], await ReadAsync(Spool, id));
    }

    [Fact]
    public async Task Aborted_message_leaves_nothing()
    {
        MessageId id;
        await using (ISpoolWriter writer = Spool.Begin())
        {
            id = writer.Id;
            await writer.WriteAsync(Body(20_000, 2), default);
        }
        Assert.Equal(0, Spool.Count);
        Assert.Null(await Spool.FindAsync(id, default));
        Assert.Null(await Spool.OpenBodyAsync(id, default));
        Assert.Empty(await Spool.LeaseDueAsync(Noon, 10, default));
    }

    [Fact]
    public async Task Leased_message_is_given_out_again_only_after_release()
    {
        MessageId id = await CommitAsync(Spool, Body(100, 3), lease: true);
        Assert.Null(Spool.NextDue);
        Assert.Empty(await Spool.LeaseDueAsync(Noon, 10, default));
        Assert.Equal(1, Spool.Count);

        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(Update(id, 0, Deferred(Noon)), default));
        Assert.Empty(await Spool.LeaseDueAsync(Noon, 10, default));
        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(new SpoolUpdate(id) { Release = true }, default));
        SpooledMessage leased = Assert.Single(await Spool.LeaseDueAsync(Noon, 10, default));
        Assert.Equal(Deferred(Noon), leased.Progress[0]);
        Assert.Empty(await Spool.LeaseDueAsync(Noon, 10, default));
    }

    [Fact]
    public async Task Due_messages_come_oldest_first_and_no_more_than_asked_for()
    {
        var ids = new List<MessageId>();
        foreach (int minutes in Each(30, 10, 20, 40))
        {
            MessageId id = await CommitAsync(Spool, Body(10, minutes), lease: true);
            await Spool.RecordAsync(Update(id, 0, Deferred(Noon.AddMinutes(minutes)), release: true), default);
            ids.Add(id);
        }
        Assert.Equal(Noon.AddMinutes(10), Spool.NextDue);
        Assert.Equal([ids[1], ids[2]], (await Spool.LeaseDueAsync(Noon.AddMinutes(30), 2, default)).Select(m => m.Envelope.Id));
        Assert.Equal([ids[0]], (await Spool.LeaseDueAsync(Noon.AddMinutes(30), 10, default)).Select(m => m.Envelope.Id));
        Assert.Equal(Noon.AddMinutes(40), Spool.NextDue);
    }

    [Fact]
    public async Task Message_is_due_with_its_first_recipient_and_finished_with_its_last()
    {
        MessageId id = await CommitAsync(Spool, Body(10, 4), recipients: 3, lease: true);
        var update = new SpoolUpdate(id) { Progress = [(0, Deferred(Noon.AddHours(2))), (1, Deferred(Noon.AddHours(1))), (2, Done)], Release = true };
        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(update, default));
        Assert.Equal(Noon.AddHours(1), Spool.NextDue);

        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(Update(id, 1, Done), default));
        Assert.Equal(Noon.AddHours(2), Spool.NextDue);
        Assert.Equal<RecipientProgress>([Deferred(Noon.AddHours(2)), Done, Done], [.. (await Spool.FindAsync(id, default))!.Progress]);

        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(Update(id, 0, Done), default));
        Assert.Equal(0, Spool.Count);
        Assert.Null(Spool.NextDue);
        Assert.Equal(SpoolStatus.Unknown, await Spool.RecordAsync(Update(id, 0, Done), default));
    }

    [Fact]
    public async Task Many_recipients_are_recorded_one_by_one()
    {
        const int recipients = 150;
        MessageId id = await CommitAsync(Spool, Body(10, 5), recipients, lease: true);
        for (int i = 0; i < recipients; i++)
            Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(Update(id, i, i % 2 == 0 ? Done : Deferred(Noon, i)), default));
        await Spool.RecordAsync(new SpoolUpdate(id) { Release = true }, default);
        SpooledMessage message = Assert.Single(await Spool.LeaseDueAsync(Noon, 1, default));
        for (int i = 0; i < recipients; i++)
            Assert.Equal(i % 2 == 0 ? Done : Deferred(Noon, i), message.Progress[i]);
    }

    [Fact]
    public async Task Held_message_waits_until_it_is_let_go()
    {
        MessageId id = await CommitAsync(Spool, Body(10, 6), hold: true);
        MessageId other = await CommitAsync(Spool, Body(10, 6));
        Assert.Equal([other], (await Spool.LeaseDueAsync(Noon, 10, default)).Select(m => m.Envelope.Id));
        Assert.Null(Spool.NextDue);
        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(new SpoolUpdate(id) { Held = false }, default));
        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(new SpoolUpdate(other) { Held = true, Release = true }, default));
        Assert.Equal([id], (await Spool.LeaseDueAsync(Noon, 10, default)).Select(m => m.Envelope.Id));
        Assert.True((await Spool.FindAsync(other, default))!.Held);
    }

    [Fact]
    public async Task Removed_message_is_gone_even_while_leased()
    {
        MessageId id = await CommitAsync(Spool, Body(10, 7), lease: true);
        Assert.Equal(SpoolStatus.Ok, await Spool.RecordAsync(new SpoolUpdate(id) { Remove = true }, default));
        Assert.Equal(0, Spool.Count);
        Assert.Equal(SpoolStatus.Unknown, await Spool.RecordAsync(new SpoolUpdate(id) { Release = true }, default));
        Assert.Equal(SpoolStatus.Unknown, await Spool.RecordAsync(new SpoolUpdate(id) { Held = true }, default));
    }

    [Fact]
    public async Task E38_bounce_and_the_end_of_its_message_are_one_commit()
    {
        MessageId old = await CommitAsync(Spool, Body(10, 8), lease: true);
        await using ISpoolWriter bounce = Spool.Begin();
        await bounce.WriteAsync(Body(500, 9), default);
        Assert.Equal(SpoolStatus.Ok, await bounce.CommitAsync(Envelope(bounce.Id), false, Update(old, 0, Done), default));
        Assert.Equal([bounce.Id], (await ScanAsync(Spool)).Select(m => m.Envelope.Id));

        await using ISpoolWriter second = Spool.Begin();
        await second.WriteAsync(Body(500, 9), default);
        Assert.Equal(SpoolStatus.Unknown, await second.CommitAsync(Envelope(second.Id), false, Update(old, 0, Done), default));
        Assert.Equal([bounce.Id], (await ScanAsync(Spool)).Select(m => m.Envelope.Id));
    }

    [Fact]
    public async Task Update_with_a_commit_need_not_be_the_last()
    {
        MessageId old = await CommitAsync(Spool, Body(10, 8), recipients: 2, lease: true);
        await using ISpoolWriter bounce = Spool.Begin();
        await bounce.WriteAsync(Body(50, 9), default);
        await bounce.CommitAsync(Envelope(bounce.Id), true, Update(old, 0, Done), default);
        await Spool.RecordAsync(Update(old, 1, Deferred(Noon), release: true), default);
        Assert.Equal<RecipientProgress>([Done, Deferred(Noon)], [.. (await Spool.FindAsync(old, default))!.Progress]);
    }

    [Fact]
    public async Task Body_stays_readable_for_who_has_it_open_and_at_any_offset()
    {
        byte[] octets = Body(300_000, 10);
        MessageId id = await CommitAsync(Spool, octets, lease: true);
        using SpoolBody? body = await Spool.OpenBodyAsync(id, default);
        await Spool.RecordAsync(Update(id, 0, Done), default);
        for (int i = 0; i < 40; i++)
            await CommitAsync(Spool, Body(10_000, i));
        var random = new Random(11);
        var readers = Enumerable.Range(0, 4).Select(_ => (Offset: random.Next(octets.Length - 9000), Length: random.Next(9000))).Select(async part =>
        {
            byte[] buffer = new byte[part.Length];
            int count = await body!.ReadAsync(part.Offset, buffer, default);
            Assert.Equal(octets.AsSpan(part.Offset, count), buffer.AsSpan(0, count));
        });
        await Task.WhenAll(readers);
        Assert.Equal(octets.Length, body!.Length);
        Assert.Null(await Spool.OpenBodyAsync(id, default));
    }

    [Fact]
    public async Task E58_ids_carry_the_clock_and_are_unique_in_their_low_half()
    {
        var writers = Enumerable.Range(0, 2000).Select(_ => Spool.Begin()).ToList();
        Assert.Equal(writers.Count, writers.Select(writer => (uint)writer.Id.Value).Distinct().Count());
        Assert.All(writers, writer => Assert.InRange((long)(writer.Id.Value >> 32),
            DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        foreach (ISpoolWriter writer in writers)
            await writer.DisposeAsync();
    }

    [Fact]
    public async Task Bugs_of_the_caller_are_told()
    {
        await using ISpoolWriter writer = Spool.Begin();
        Envelope envelope = Envelope(writer.Id);
        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.CommitAsync(envelope with { Id = new MessageId(1) }, false, null, default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await writer.CommitAsync(envelope with { Recipients = [] }, false, null, default));
        Assert.Equal(SpoolStatus.Ok, await writer.CommitAsync(envelope, false, null, default));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Spool.RecordAsync(Update(writer.Id, 1, Done), default));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.CommitAsync(envelope, false, null, default));
        Assert.Equal(1, Spool.Count);
    }

    [Fact]
    public async Task Many_at_once_lose_nothing()
    {
        var kept = new System.Collections.Concurrent.ConcurrentDictionary<MessageId, byte[]>();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (int i = 0; i < 25; i++)
            {
                byte[] body = Body(random.Next(12_000), worker * 1000 + i);
                MessageId id = await CommitAsync(Spool, body, recipients: 2, lease: true);
                if (random.Next(2) == 0)
                {
                    SpoolStatus[] both = await Task.WhenAll(
                        Spool.RecordAsync(Update(id, 0, Done), default).AsTask(), Spool.RecordAsync(Update(id, 1, Done), default).AsTask());
                    Assert.Equal([SpoolStatus.Ok, SpoolStatus.Ok], both);
                }
                else
                {
                    kept[id] = body;
                }
            }
        })));
        Assert.Equal(kept.Count, Spool.Count);
        Assert.Equal(kept.Keys.ToHashSet(), (await ScanAsync(Spool)).Select(m => m.Envelope.Id).ToHashSet());
        foreach ((MessageId id, byte[] body) in kept)
            Assert.Equal<byte[]?>(body, await ReadAsync(Spool, id));
    }
}

public sealed class MemorySpoolTests : SpoolContract
{
    protected override Task<ISpool> OpenAsync() => Task.FromResult<ISpool>(new MemorySpool());

    [Fact]
    public async Task Trouble_can_be_made()
    {
        var spool = (MemorySpool)Spool;
        MessageId id = await CommitAsync(spool, Body(10, 1), lease: true);
        spool.Trouble = new SpoolTrouble(SpoolStatus.Full, "test");
        await using ISpoolWriter writer = spool.Begin();
        Assert.Equal(SpoolStatus.Full, await writer.WriteAsync(Body(1, 1), default));
        Assert.Equal(SpoolStatus.Ok, await spool.RecordAsync(Update(id, 0, Done), default));
    }
}

public sealed class LogSpoolTests : SpoolContract
{
    private readonly string _directory = Directory.CreateTempSubdirectory("estafette-spool-").FullName;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_directory, true);
    }

    protected override async Task<ISpool> OpenAsync()
    {
        SpoolOpening opening = await LogSpool.OpenAsync(new LogSpoolOptions { Directory = _directory, SegmentSize = 1 << 20 }, TimeProvider.System, default);
        Assert.Null(opening.Refusal);
        return opening.Spool!;
    }
}

/// <summary>The log over the disk that injects faults, here without any, with segments so small that everything crosses them.</summary>
public sealed class SimulatedLogSpoolTests : SpoolContract
{
    protected override async Task<ISpool> OpenAsync() => await SpoolSamples.OpenAsync(new SimulatedDisk());
}
