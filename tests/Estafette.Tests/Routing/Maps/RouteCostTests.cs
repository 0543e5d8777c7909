using System.Diagnostics;
using Estafette.Mail;
using Estafette.Routing.Maps;
using Xunit.Abstractions;

namespace Estafette.Tests.Routing.Maps;

/// <summary>What routing by maps costs where there are none: a relay resolves every recipient of every message at every attempt.</summary>
[Collection(nameof(Alone))]
public sealed class RouteCostTests(ITestOutputHelper output)
{
    [Fact]
    public void A_relay_without_maps_resolves_in_a_moment_and_allocates_nothing()
    {
        MapRouter router = new MapHouse("relayhost = [gate.test]:2525\nmydestination = $myhostname, localhost.$mydomain, localhost\nrelay_domains =\n").Router;
        MailAddress address = new("someone", "far.test"), sender = new("from", "away.test");
        Measure(20_000);
        (double nanoseconds, double octets) = Measure(200_000);
        output.WriteLine($"resolution: {nanoseconds:F0} ns, {octets:F1} octets");
        // The figure is some hundred nanoseconds; a busy machine takes its time, a detour through tables takes ten times as much.
        Assert.True(nanoseconds < 10_000, nanoseconds + " ns");
        Assert.True(octets < 16, octets + " octets");

        (double, double) Measure(int rounds)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < rounds; i++)
            {
                ValueTask<Resolution> answer = router.ResolveAsync(address, sender, CancellationToken.None);
                if (!answer.IsCompletedSuccessfully || answer.Result.NextHop != "[gate.test]:2525")
                    throw new InvalidOperationException("not resolved at once");
            }
            return (watch.Elapsed.TotalNanoseconds / rounds, (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)rounds);
        }
    }

    [Fact]
    public void An_envelope_without_maps_costs_its_recipient()
    {
        MapRouter router = new MapHouse("relayhost = [gate.test]:2525\nlocal_recipient_maps =\n").Router;
        var draft = new EnvelopeDraft { ReversePath = new MailAddress("from", "away.test"), Recipients = [new DraftRecipient(new MailAddress("someone", "far.test"))] };
        Measure(20_000);
        (double nanoseconds, double octets) = Measure(200_000);
        output.WriteLine($"envelope: {nanoseconds:F0} ns, {octets:F1} octets");
        // Unoptimised code puts the state of each step on the heap.
        Assert.True(octets < 3000, octets + " octets");

        (double, double) Measure(int rounds)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < rounds; i++)
            {
                if (!router.RewriteAsync(draft, CancellationToken.None).IsCompletedSuccessfully)
                    throw new InvalidOperationException("not rewritten at once");
            }
            return (watch.Elapsed.TotalNanoseconds / rounds, (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)rounds);
        }
    }
}
