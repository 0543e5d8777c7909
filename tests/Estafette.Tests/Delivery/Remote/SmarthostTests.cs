using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Tests.Queue;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Ordered smarthosts: mail goes to the next at once, does not ask a dead one again and again, and returns; nothing is lost or sent twice.</summary>
public sealed class SmarthostTests
{
    private readonly RelayBench _bench = new();

    /// <summary>Stands still unless a test moves it.</summary>
    private readonly ManualClock _clock = new();

    public SmarthostTests() => _bench.Clock = _clock;

    [Theory]
    [InlineData("connect", "!drop")]
    [InlineData("connect", "554 no service")]
    [InlineData("connect", "421 4.3.2 busy")]
    [InlineData("ehlo", "421 4.3.2 not now")]
    public async Task A_failing_first_host_is_asked_once_and_the_next_takes_the_mail(string step, string answer)
    {
        await using var first = new ScriptedPeer().On(step, answer);
        await using var second = new ScriptedPeer();
        _bench.Agent = _bench.NewAgent();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(first), RelayBench.To(second));
        for (int i = 0; i < 5; i++)
            Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Equal((1, 5), (first.Connections, second.Bodies.Count));
        RestingHost resting = Assert.Single(_bench.Agent.RestingHosts());
        Assert.Contains($"127.0.0.1:{first.Port}", resting.Host.Replace("[127.0.0.1]", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Single(_bench.Events.Events.OfType<RelayHostDown>());
    }

    [Fact]
    public async Task Mail_returns_to_the_first_host_when_it_is_healthy_again()
    {
        bool down = true;
        await using var first = new ScriptedPeer().On("connect", _ => down ? "421 4.3.2 down" : null);
        await using var second = new ScriptedPeer();
        _bench.Agent = _bench.NewAgent();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(first), RelayBench.To(second));
        await _bench.SendAsync(action);
        down = false;
        await _bench.SendAsync(action);
        Assert.Equal((0, 2), (first.Bodies.Count, second.Bodies.Count));
        _clock.Advance(HostHealth.FirstPause);
        await _bench.SendAsync(action);
        await _bench.SendAsync(action);
        Assert.Equal((2, 2), (first.Bodies.Count, second.Bodies.Count));
        Assert.Single(_bench.Events.Events.OfType<RelayHostReturned>());
        Assert.Empty(_bench.Agent.RestingHosts());
    }

    [Fact]
    public async Task All_down_defers_and_one_that_comes_back_first_is_found_in_order()
    {
        bool secondIsDown = true;
        await using var first = new ScriptedPeer().On("connect", "421 4.3.2 first is down");
        await using var second = new ScriptedPeer().On("connect", _ => secondIsDown ? "421 4.3.2 second is down" : null);
        _bench.Agent = _bench.NewAgent();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(first), RelayBench.To(second));
        DeliveryOutcome outcome = await _bench.SendAsync(action);
        Assert.Equal((OutcomeKind.Deferred, OutcomeScope.NextHop), (outcome.Kind, outcome.Scope));
        // Both rest: nothing is connected a moment later, and the reason is still told.
        outcome = await _bench.SendAsync(action);
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Contains("second is down", outcome.Text, StringComparison.Ordinal);
        Assert.Equal((1, 1), (first.Connections, second.Connections));
        secondIsDown = false;
        _bench.Agent.Wake();
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Equal((2, 2), (first.Connections, second.Connections));
    }

    [Fact]
    public async Task E38_what_a_host_may_have_taken_is_not_given_to_the_next()
    {
        await using var first = new ScriptedPeer().On("eod", "!drop");
        await using var second = new ScriptedPeer();
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(first), RelayBench.To(second)));
        Assert.Equal(OutcomeKind.Deferred, outcome.Kind);
        Assert.Equal((1, 0), (first.Bodies.Count, second.Connections));
    }

    [Fact]
    public async Task A_refused_login_goes_to_the_next_host_and_is_not_repeated()
    {
        await using var first = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "535 5.7.8 wrong");
        await using var second = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/one"] = "user:wrong";
        _bench.Tables.Rows["secrets/two"] = "user:right";
        _bench.Agent = _bench.NewAgent();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(first, TlsLevel.None, "one"), RelayBench.To(second, TlsLevel.None, "two")) with { Credentials = s_clear };
        for (int i = 0; i < 3; i++)
            Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Equal((1, 3), (first.Connections, second.Connections));
        // A corrected password counts at once.
        first.On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/one"] = "user:corrected";
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
        Assert.Equal((2, 1), (first.Connections, first.Bodies.Count));
    }

    [Fact]
    public async Task O28_a_refused_login_waits_with_the_provider_s_words_without_being_tried_again()
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "535 5.7.8 wrong");
        _bench.Tables.Rows["secrets/lab"] = "user:geheim";
        _bench.Agent = _bench.NewAgent();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = s_clear };
        for (int i = 0; i < 3; i++)
            Assert.StartsWith("535 5.7.8 wrong", (await _bench.SendAsync(action)).Text, StringComparison.Ordinal);
        Assert.Equal(1, peer.Connections);
        _bench.Agent.Wake();
        await _bench.SendAsync(action);
        Assert.Equal(2, peer.Connections);
    }

    [Theory]
    [InlineData("454 4.7.0 temporary")]
    [InlineData("!drop")]
    public async Task A_temporary_failure_to_log_in_is_no_wrong_password(string answer)
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").Once("auth", answer);
        _bench.Tables.Rows["secrets/lab"] = "user:right";
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = s_clear };
        _bench.Agent = _bench.NewAgent();
        Assert.Equal(OutcomeKind.Deferred, (await _bench.SendAsync(action)).Kind);
        peer.On("auth", "235 ok");
        _bench.Agent.Wake();
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action)).Kind);
    }

    [Fact]
    public async Task A_server_that_lets_everybody_pass_without_proof_gets_no_mail()
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=SCRAM-SHA-256").On("auth", "235 2.7.0 welcome");
        _bench.Tables.Rows["secrets/lab"] = "user:secret";
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer, TlsLevel.None, "lab")) with { Credentials = s_clear });
        Assert.Equal((OutcomeKind.Deferred, "4.7.8"), (outcome.Kind, outcome.Status.ToString()));
        Assert.Contains("without proving", outcome.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[127.0.0.1]:@", true)]
    [InlineData("127.0.0.1:@", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    [InlineData("127.0.0.1:1", false)]
    public async Task A_login_is_found_by_the_next_hop(string key, bool found)
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/" + key.Replace("@", peer.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)] = "user:pass";
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)) with { Credentials = s_clear with { Key = CredentialKey.Host } })).Kind);
        Assert.Equal(found, peer.Lines.Contains("AUTH PLAIN AHVzZXIAcGFzcw=="));
    }

    [Theory]
    [InlineData("bob@home.test", "AGJvYgB4")]
    [InlineData("eve@home.test", "AGRvbWFpbgB4")]
    [InlineData("eve@else.test", "AGhvc3QAeA==")]
    [InlineData("", "AGhvc3QAeA==")]
    public async Task A_login_is_found_by_the_sender_then_its_domain_then_the_next_hop(string sender, string expected)
    {
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN").On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/bob@home.test"] = "bob:x";
        _bench.Tables.Rows["secrets/@home.test"] = "domain:x";
        _bench.Tables.Rows["secrets/127.0.0.1"] = "host:x";
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer)) with { Credentials = s_clear with { Key = CredentialKey.Sender } };
        var job = new TestJob(RelayBench.Message, sender, "a@far.test");
        await _bench.SendAsync(action, job);
        Assert.Equal(OutcomeKind.Relayed, job.Outcomes[0].Kind);
        Assert.Contains("AUTH PLAIN " + expected, peer.Lines);
    }

    [Fact]
    public void Senders_with_logins_of_their_own_share_no_connection()
    {
        RemoteAgent agent = _bench.NewAgent();
        var recipient = new TestJob("", "a@x.test", "r@far.test").Envelope.Recipients[0];
        ActionConfig.Relay bySender = RelayBench.Via(new RelayHost { Host = "h" }) with { Credentials = s_clear with { Key = CredentialKey.Sender } };
        NextHop bob = agent.NextHopOf(bySender, recipient, new MailAddress("bob", "home.test"));
        Assert.NotEqual(bob, agent.NextHopOf(bySender, recipient, new MailAddress("eve", "home.test")));
        Assert.Equal(bob, agent.NextHopOf(bySender, recipient, new MailAddress("bob", "HOME.test")));
        ActionConfig.Relay byHost = bySender with { Credentials = s_clear with { Key = CredentialKey.Host } };
        Assert.Equal(agent.NextHopOf(byHost, recipient, new MailAddress("bob", "home.test")), agent.NextHopOf(byHost, recipient, new MailAddress("eve", "home.test")));
    }

    [Fact]
    public async Task E9_a_password_is_not_sent_over_TLS_that_nobody_verified()
    {
        using var certificates = new TestCertificates();
        await using var peer = new ScriptedPeer("PIPELINING AUTH=PLAIN=LOGIN") { Certificate = certificates["self-signed"] };
        peer.On("auth", "235 2.7.0 ok");
        _bench.Tables.Rows["secrets/lab"] = "user:pass";
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer, TlsLevel.Encrypt, "lab")) with { Credentials = new RelayCredentials("secrets") };
        DeliveryOutcome outcome = await _bench.SendAsync(action);
        Assert.Equal("4.7.8", outcome.Status.ToString());
        Assert.Contains("not verified", outcome.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("AUTH", StringComparison.Ordinal));
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(action with { Credentials = new RelayCredentials("secrets") { Password = PasswordNeeds.Tls } })).Kind);
    }

    private static readonly RelayCredentials s_clear = new("secrets") { Password = PasswordNeeds.Nothing };
}
