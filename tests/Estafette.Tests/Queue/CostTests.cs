using System.Collections.Immutable;
using System.Diagnostics;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Routing;
using Estafette.Spool;
using Xunit.Abstractions;

namespace Estafette.Tests.Queue;

/// <summary>What a message costs the queue itself: a memory spool before it, an agent that does nothing behind it.</summary>
[Collection(nameof(Alone))]
public sealed class CostTests(ITestOutputHelper output)
{
    [Fact]
    public async Task The_hot_path_is_one_commit_one_record_and_little_memory()
    {
        const int Messages = 20_000;
        var spool = new CountingSpool(new MemorySpool());
        MailConfig config = new QueueHouse().Config;
        config = config with { Limits = config.Limits with { ActiveMessages = 2 * Messages } };
        await using var queue = new MailQueue(
            spool, [new ScriptedAgent { Wait = TimeSpan.FromMilliseconds(100) }], new QueueRouting(() => config, static (_, _) => throw new InvalidOperationException()), EventSink.Silent, TimeProvider.System);
        queue.Start();
        ImmutableArray<Recipient> to = [new QueueHouse().To("x@far.test")];
        var client = new ClientInfo { SessionId = 1 };
        byte[] body = new byte[100];
        await SendAsync(1000);
        long allocated = GC.GetTotalAllocatedBytes();
        int recordsBefore = spool.Records;
        var watch = Stopwatch.StartNew();
        await SendAsync(Messages);
        double seconds = watch.Elapsed.TotalSeconds;
        long each = (GC.GetTotalAllocatedBytes() - allocated) / Messages;
        output.WriteLine($"{Messages / seconds:F0} messages/s, {each} octets allocated for each, the memory spool's and the test's own included");
        Assert.Equal(Messages, spool.Records - recordsBefore);
        Assert.True(each < 20_000, each + " octets a message");

        async Task SendAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                await using IntakeMessage message = queue.Intake.Begin();
                await message.WriteAsync(body, CancellationToken.None);
                var envelope = new Envelope { Id = message.Id, Received = DateTimeOffset.UtcNow, ReversePath = MailAddress.Null, Recipients = to, Client = client };
                await message.CommitAsync(envelope, CancellationToken.None);
            }
            await QueueHouse.Until(() => spool.Count == 0, "all delivered");
        }
    }
}
