using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>LMTP (RFC 2033) as OpenSMTPD's <c>lmtp</c> action speaks it.</summary>
public sealed class LmtpAgentTests
{
    private readonly RelayBench _bench = new();

    [Theory]
    [InlineData(false, "RCPT TO:<alice>")]
    [InlineData(true, "RCPT TO:<Alice+ext@one.test>")]
    public async Task The_recipient_is_the_user_or_with_rcpt_to_the_address_and_trace_fields_go_first(bool address, string rcpt)
    {
        await using var peer = new ScriptedPeer("PIPELINING DSN") { Lmtp = true };
        TestJob job = Job();
        await ServeAsync($"127.0.0.1:{peer.Port}", address, job);
        Assert.Equal((OutcomeKind.Relayed, "250 2.0.0 taken"), (job.Outcomes[0].Kind, job.Outcomes[0].Text));
        Assert.Equal(["LHLO localhost", "MAIL FROM:<bob@home.test>", rcpt, "DATA", "QUIT"], peer.Lines);
        Assert.Equal(["Return-Path: <bob@home.test>\r\nDelivered-To: Alice+ext@one.test\r\n" + RelayBench.Message], peer.Bodies);
    }

    [Fact]
    public async Task A_permanent_refusal_is_final()
    {
        await using var peer = new ScriptedPeer { Lmtp = true }.Once("rcpt", "550 5.1.1 no such box");
        peer.Once("eod", "552 5.2.2 over quota");
        TestJob[] jobs = [Job(), Job(), Job()];
        await ServeAsync($"127.0.0.1:{peer.Port}", false, jobs);
        Assert.Equal([OutcomeKind.Failed, OutcomeKind.Failed, OutcomeKind.Relayed], jobs.Select(j => j.Outcomes[0].Kind));
        Assert.Equal(1, peer.Connections);
    }

    [Fact]
    public async Task A_Unix_socket_serves_as_well()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await using (var peer = new ScriptedPeer("PIPELINING", unixPath: path) { Lmtp = true })
        {
            TestJob job = Job();
            await ServeAsync(path, false, job);
            Assert.Equal((OutcomeKind.Relayed, path), (job.Outcomes[0].Kind, job.Outcomes[0].Peer));
        }
        File.Delete(path);
        TestJob late = Job();
        await ServeAsync(path, false, late);
        Assert.Equal(OutcomeKind.Deferred, late.Outcomes[0].Kind);
    }

    [Fact]
    public async Task A_relay_URL_may_say_LMTP_and_then_every_recipient_is_answered_after_the_dot()
    {
        await using var peer = new ScriptedPeer("PIPELINING") { Lmtp = true }.On("eod", i => i == "1" ? "552 5.2.2 over quota" : null);
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test", "b@far.test", "c@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job);
        Assert.Equal([OutcomeKind.Relayed, OutcomeKind.Failed, OutcomeKind.Relayed], Enumerable.Range(0, 3).Select(i => job.Outcomes[i].Kind));
        Assert.Equal([RelayBench.Message], peer.Bodies);
    }

    [Fact]
    public async Task Discard_takes_everything()
    {
        TestJob job = Job();
        var action = new ActionConfig.Discard { Name = "nowhere", At = SourceSpan.None };
        var agent = new DiscardAgent();
        await agent.ServeAsync(new TestLane(agent.NextHopOf(action, job.Envelope.Recipients[0], job.ReversePath), action, _bench.Config, [job]), default);
        Assert.Equal(OutcomeKind.Delivered, job.Outcomes[0].Kind);
    }

    private static TestJob Job() => new TestJob(RelayBench.Message, "bob@home.test", "Alice+ext@one.test").With(e => e with
    {
        Recipients = [e.Recipients[0] with { Target = new DeliveryTarget.User("alice") }],
    });

    private async Task ServeAsync(string destination, bool address, params TestJob[] jobs)
    {
        var action = new ActionConfig.Local { Name = "one", At = SourceSpan.None, Method = new LocalMethod.Lmtp(destination, address) };
        var agent = new LmtpAgent(_bench.Dns, _bench.Tables, _bench.Sink, TimeProvider.System, _bench.Timeouts);
        Recipient first = jobs[0].Envelope.Recipients[0];
        Assert.True(agent.Serves(action, first.Target));
        await agent.ServeAsync(new TestLane(agent.NextHopOf(action, first, jobs[0].ReversePath), action, _bench.Config, jobs), default).WaitAsync(TimeSpan.FromSeconds(60));
    }
}
