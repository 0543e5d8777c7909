using System.Collections.Immutable;
using Estafette.Mail;
using Estafette.Spool;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>What a spool should hold, and the operations that a test does on both. What was under way at a crash may be there or not.</summary>
internal sealed class SpoolModel
{
    private readonly Dictionary<MessageId, (byte[] Body, ImmutableArray<RecipientProgress> Progress, bool Held)> _waiting = [];
    private readonly HashSet<MessageId> _unsure = [];

    public async Task CheckAsync(LogSpool spool)
    {
        List<SpooledMessage> all = await ScanAsync(spool);
        var found = all.ToDictionary(message => message.Envelope.Id);
        foreach (MessageId id in _unsure)
        {
            // Whatever became of it, from now on it stays so.
            _waiting.Remove(id);
            if (found.TryGetValue(id, out SpooledMessage? message))
                _waiting[id] = ((await ReadAsync(spool, id))!, message.Progress, message.Held);
        }
        _unsure.Clear();
        Assert.True(_waiting.Keys.ToHashSet().SetEquals(found.Keys),
            $"lost: {string.Join(' ', _waiting.Keys.Except(found.Keys))}; back: {string.Join(' ', found.Keys.Except(_waiting.Keys))}");
        Assert.Equal(_waiting.Count, spool.Count);
        foreach ((MessageId id, (byte[] body, ImmutableArray<RecipientProgress> progress, bool held)) in _waiting)
        {
            Assert.Equal<byte[]?>(body, await ReadAsync(spool, id));
            Assert.Equal<RecipientProgress>([.. progress], [.. found[id].Progress]);
            Assert.Equal(held, found[id].Held);
        }
    }

    public async Task StepAsync(LogSpool spool, Random random)
    {
        if (_waiting.Count < 5 || random.Next(3) == 0)
        {
            await CommitAsync(spool, random, _waiting.Count > 0 && random.Next(3) == 0 ? Pick(random) : null);
            return;
        }
        SpoolUpdate update = NextUpdate(random, Pick(random));
        Assert.Equal(SpoolStatus.Ok, await spool.RecordAsync(update, default));
        Apply(update);
    }

    /// <summary>Several operations at once, and in their midst the power goes.</summary>
    public async Task CrashWhileWorkingAsync(LogSpool spool, SimulatedDisk disk, Random random)
    {
        MessageId[] targets = [.. _waiting.Keys.OrderBy(_ => random.Next()).Take(5)];
        var updates = targets.Select(id => NextUpdate(random, id)).ToList();
        var bodies = Enumerable.Range(0, 5).Select(i => Body(random.Next(30_000), random.Next())).ToList();
        int delay = random.Next(2000);
        Task crash = Task.Run(() =>
        {
            Thread.SpinWait(delay * 10);
            disk.Crash(random);
        });
        Task<(MessageId Id, byte[] Body, SpoolStatus Status)>[] commits = [.. bodies.Select(body => Task.Run(() => TryCommitAsync(spool, body)))];
        Task<SpoolStatus>[] records = [.. updates.Select(update => Task.Run(() => spool.RecordAsync(update, default).AsTask()))];
        await crash;
        foreach ((MessageId id, byte[] body, SpoolStatus status) in await Task.WhenAll(commits))
        {
            _waiting[id] = (body, [RecipientProgress.New], false);
            if (status != SpoolStatus.Ok)
                _unsure.Add(id);
        }
        SpoolStatus[] results = await Task.WhenAll(records);
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i] == SpoolStatus.Ok)
                Apply(updates[i]);
            else
                _unsure.Add(targets[i]);
        }
    }

    private static async Task<(MessageId, byte[], SpoolStatus)> TryCommitAsync(LogSpool spool, byte[] body)
    {
        await using ISpoolWriter writer = spool.Begin();
        SpoolStatus status = await writer.WriteAsync(body, default);
        if (status == SpoolStatus.Ok)
            status = await writer.CommitAsync(Envelope(writer.Id), false, null, default);
        return (writer.Id, body, status);
    }

    private async Task CommitAsync(LogSpool spool, Random random, MessageId? other)
    {
        byte[] body = Body(random.Next(4) == 0 ? random.Next(40_000) : random.Next(3000), random.Next());
        bool hold = random.Next(5) == 0;
        int recipients = random.Next(1, 9);
        SpoolUpdate? with = other is { } id ? NextUpdate(random, id) : null;
        await using ISpoolWriter writer = spool.Begin();
        Assert.Equal(SpoolStatus.Ok, await writer.WriteAsync(body, default));
        if (random.Next(8) == 0)
            return;
        Assert.Equal(SpoolStatus.Ok, await writer.CommitAsync(Envelope(writer.Id, recipients, hold), random.Next(2) == 0, with, default));
        _waiting[writer.Id] = (body, ProgressRules.Fresh(recipients), hold);
        if (with is not null)
            Apply(with);
    }

    private MessageId Pick(Random random) => _waiting.Keys.ElementAt(random.Next(_waiting.Count));

    private SpoolUpdate NextUpdate(Random random, MessageId id)
    {
        int recipient = random.Next(_waiting[id].Progress.Length);
        return random.Next(6) switch
        {
            0 => new SpoolUpdate(id) { Remove = true },
            1 => new SpoolUpdate(id) { Held = random.Next(2) == 0 },
            2 or 3 => Update(id, recipient, Done, release: random.Next(2) == 0),
            _ => Update(id, recipient, Deferred(Noon.AddMinutes(random.Next(100)), random.Next(10)), release: random.Next(2) == 0),
        };
    }

    private void Apply(SpoolUpdate update)
    {
        (byte[] body, ImmutableArray<RecipientProgress> progress, bool held) = _waiting[update.Id];
        progress = ProgressRules.Apply(progress, update);
        if (update.Remove || ProgressRules.IsFinished(progress))
            _waiting.Remove(update.Id);
        else
            _waiting[update.Id] = (body, progress, update.Held ?? held);
    }
}
