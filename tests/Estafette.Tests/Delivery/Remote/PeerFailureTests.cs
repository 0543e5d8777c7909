using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>A peer that hangs, drops, talks nonsense or says 421 at every step (E38, E39): nothing is lost, nothing waits for ever.</summary>
public sealed class PeerFailureTests
{
    private readonly RelayBench _bench = new();

    public static TheoryData<string, string, string> Failures()
    {
        var data = new TheoryData<string, string, string>();
        foreach (string keywords in (string[])["PIPELINING", "", "PIPELINING CHUNKING"])
        {
            foreach (string step in (string[])["connect", "ehlo", "mail", "rcpt", keywords.Contains("CHUNKING", StringComparison.Ordinal) ? "bdat" : "data", "eod"])
            {
                if (step == "eod" && keywords.Contains("CHUNKING", StringComparison.Ordinal))
                    continue;
                foreach (string how in (string[])["!drop", "!hang", "!garbage", "!huge", "!endless", "421 4.3.2 going down", "421-first\n421 second"])
                {
                    // Waiting costs time: every step once, and those again that go step by step without PIPELINING.
                    if (how != "!hang" || keywords == "PIPELINING" || step is "rcpt" or "bdat")
                        data.Add(keywords, step, how);
                }
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task E39_the_message_is_deferred_or_goes_to_the_next_host(string keywords, string step, string how)
    {
        _bench.GiveUpSoonAt(how == "!hang" ? step : "");
        await using var broken = new ScriptedPeer(keywords).On(step, how);
        await using var good = new ScriptedPeer(keywords);
        DeliveryOutcome alone = await _bench.SendAsync(RelayBench.Via(RelayBench.To(broken)));
        Assert.Equal(OutcomeKind.Deferred, alone.Kind);
        Assert.Equal(4, alone.Status.Class);
        DeliveryOutcome second = await _bench.SendAsync(RelayBench.Via(RelayBench.To(broken), RelayBench.To(good)));
        // Once the end of the message was sent, nobody knows: the queue decides when it goes again.
        bool unknown = step is "eod" or "bdat";
        Assert.Equal(unknown ? OutcomeKind.Deferred : OutcomeKind.Relayed, second.Kind);
        Assert.Equal(unknown ? 0 : 1, good.Bodies.Count);
    }

    [Theory]
    [InlineData("connect", "554 5.7.1 no service for you")]
    [InlineData("connect", "421 4.3.2 busy")]
    [InlineData("ehlo", "421 4.3.2 busy")]
    [InlineData("ehlo", "450 4.7.1 who are you?")]
    public async Task E38_a_refusal_at_connect_or_EHLO_means_the_next_host_and_never_a_bounce(string step, string reply)
    {
        await using var refusing = new ScriptedPeer().On(step, reply);
        await using var good = new ScriptedPeer();
        DeliveryOutcome alone = await _bench.SendAsync(RelayBench.Via(RelayBench.To(refusing)));
        Assert.Equal((OutcomeKind.Deferred, OutcomeScope.NextHop, reply), (alone.Kind, alone.Scope, alone.Text));
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(refusing), RelayBench.To(good)))).Kind);
    }

    [Fact]
    public async Task E38_a_connection_lost_after_the_dot_says_that_the_message_may_come_twice()
    {
        await using var peer = new ScriptedPeer().On("eod", "!drop");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)));
        Assert.Equal((OutcomeKind.Deferred, OutcomeScope.Message), (outcome.Kind, outcome.Scope));
        Assert.Contains("may have been delivered", outcome.Text, StringComparison.Ordinal);
        Assert.Single(peer.Bodies);
    }

    [Fact]
    public async Task E39_a_kept_connection_that_the_peer_closed_costs_a_reconnect_and_nothing_else()
    {
        int messages = 0;
        await using var peer = new ScriptedPeer();
        peer.On("mail", _ => ++messages % 2 == 0 ? "!drop" : null);
        TestJob[] jobs = [.. Enumerable.Range(0, 5).Select(_ => new TestJob(RelayBench.Message, "bob@home.test", "a@far.test"))];
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), jobs);
        Assert.All(jobs, j => Assert.Equal(OutcomeKind.Relayed, j.Outcomes[0].Kind));
        Assert.Equal(5, peer.Bodies.Count);
    }

    [Fact]
    public async Task E39_421_between_recipients_sends_those_that_remain_elsewhere()
    {
        await using var tired = new ScriptedPeer("").On("rcpt", l => l.Contains("c@", StringComparison.Ordinal) ? "421 4.3.2 enough" : l.Contains("b@", StringComparison.Ordinal) ? "550 5.1.1 no" : null);
        await using var good = new ScriptedPeer();
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test", "b@far.test", "c@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(tired), RelayBench.To(good)), job);
        Assert.Equal([OutcomeKind.Relayed, OutcomeKind.Failed, OutcomeKind.Relayed], Enumerable.Range(0, 3).Select(i => job.Outcomes[i].Kind));
        Assert.DoesNotContain("RCPT TO:<b@far.test>", good.Lines);
        Assert.Empty(tired.Bodies);
    }

    [Fact]
    public async Task Nobody_listens_is_a_matter_of_the_next_hop()
    {
        int port;
        await using (var gone = new ScriptedPeer())
            port = gone.Port;
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(new RelayHost { Host = "127.0.0.1", Port = port }));
        Assert.Equal((OutcomeKind.Deferred, OutcomeScope.NextHop, "4.4.1"), (outcome.Kind, outcome.Scope, outcome.Status.ToString()));
        Assert.Contains("Connection refused", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shutdown_defers_what_is_under_way_at_once()
    {
        await using var peer = new ScriptedPeer().On("mail", "!hang");
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test");
        var agent = new Estafette.Delivery.Remote.RemoteAgent(_bench.Dns, _bench.Tables, Estafette.Delivery.Remote.TlsMaterial.Anonymous, _bench.Sink, TimeProvider.System);
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await agent.ServeAsync(new TestLane(agent.NextHopOf(action, job.Envelope.Recipients[0], job.ReversePath), action, _bench.Config, [job]), stop.Token).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(OutcomeKind.Deferred, job.Outcomes[0].Kind);
    }
}
