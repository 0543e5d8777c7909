using Estafette.Events;
using Estafette.Mail;
using Estafette.Spool;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Queue;

/// <summary>
/// Promise 1 of the house: whatever agents answer and whenever the daemon dies, each recipient ends delivered at least once or its sender is told.
/// A crash is a spool that takes nothing more and a new queue on what it has.
/// </summary>
public sealed class NothingIsLostTests
{
    [Fact]
    public void Every_recipient_ends_delivered_or_told_through_crashes_and_restarts() =>
        Prop.ForAll<int>(seed => RunAsync(seed).GetAwaiter().GetResult()).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(25));

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        var clock = new ManualClock();
        var disk = new CrashingSpool(clock);
        var expected = new Dictionary<string, bool>();
        var seen = new List<MailEvent>();
        string bounces = "";
        for (int life = 0; life < 4; life++)
        {
            bool last = life == 3;
            await using var house = new QueueHouse(disk.NewLife()) { Clock = clock, Agent = new ScriptedAgent { PerJob = 3 } };
            house.Agent.Answer = (job, to) => to.Address.Domain == "home.test" ? DeliveryOutcome.Deferred(new(4, 2, 0), "kept") : Answer(random, last, to);
            house.Start();
            for (int i = 0; i < 5 && !last; i++)
            {
                string[] to = [.. Enumerable.Range(0, random.Next(1, 9)).Select(n => $"{life}x{i}x{n}x{(random.Next(4) == 0 ? "bad" : "ok")}@d{random.Next(4)}.test")];
                await house.SendAsync("me@home.test", to);
                foreach (string one in to)
                    expected[one] = false;
            }
            if (last)
                await house.Pass(TimeSpan.FromHours(12), TimeSpan.FromMinutes(20));
            else
                await house.Pass(TimeSpan.FromSeconds(random.Next(60)), TimeSpan.FromSeconds(10));
            disk.Crash();
            seen.AddRange(house.Events);
        }
        await foreach (SpooledMessage message in disk.NewLife().ScanAsync(CancellationToken.None))
        {
            Assert.True(message.Envelope.IsNotification, "left over: " + message.Envelope.Recipients[0].Address);
            bounces += await disk.BodyOf(message.Envelope.Id);
        }
        HashSet<string> delivered = [.. seen.OfType<DeliveryAttempted>().Where(e => e.Outcome.Kind == OutcomeKind.Delivered).Select(e => e.Recipient.Address.ToString())];
        foreach (string one in expected.Keys)
            Assert.True(one.Contains("bad", StringComparison.Ordinal) ? Count(bounces, "Final-Recipient: rfc822; " + one) == 1 : delivered.Contains(one), $"{one} vanished or was told twice (seed {seed})");
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static DeliveryOutcome Answer(Random random, bool last, Recipient to)
    {
        int dice;
        lock (random)
            dice = last ? 9 : random.Next(10);
        return dice switch
        {
            < 2 => DeliveryOutcome.Deferred(new(4, 2, 0), "later"),
            < 3 => DeliveryOutcome.Deferred(new(4, 4, 1), "no connection", OutcomeScope.NextHop),
            < 4 => throw new InvalidOperationException("bug"),
            _ => to.Address.LocalPart.EndsWith("bad", StringComparison.Ordinal) ? DeliveryOutcome.Failed(new(5, 1, 1), "550 no") : DeliveryOutcome.Delivered(),
        };
    }
}
