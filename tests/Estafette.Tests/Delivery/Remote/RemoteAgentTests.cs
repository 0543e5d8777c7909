using System.Text;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Mail;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Transactions against a peer that answers as each test wants.</summary>
public sealed class RemoteAgentTests
{
    private readonly RelayBench _bench = new();

    [Fact]
    public async Task A_message_is_handed_over_in_one_group_and_QUIT_follows()
    {
        await using var peer = new ScriptedPeer("PIPELINING SIZE=1000");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)));
        Assert.Equal(OutcomeKind.Relayed, outcome.Kind);
        Assert.Equal("250 2.0.0 taken", outcome.Text);
        Assert.Equal($"127.0.0.1[127.0.0.1]:{peer.Port}", outcome.Peer);
        Assert.False(outcome.DsnHandedOver);
        Assert.Equal(["EHLO mx.home.test", $"MAIL FROM:<bob@home.test> SIZE={RelayBench.Message.Length}", "RCPT TO:<a@far.test>", "DATA", "QUIT"], peer.Lines);
        Assert.Equal([RelayBench.Message], peer.Bodies);
    }

    [Theory]
    [InlineData("PIPELINING 8BITMIME")]
    [InlineData("8BITMIME")]
    [InlineData("PIPELINING CHUNKING 8BITMIME")]
    public async Task Every_recipient_has_its_own_answer(string keywords)
    {
        await using var peer = new ScriptedPeer(keywords).On("rcpt", l => l.Contains("bad", StringComparison.Ordinal) ? "550 5.1.1 no such user" : l.Contains("later", StringComparison.Ordinal) ? "451 4.2.1 later" : null);
        var job = new TestJob(RelayBench.Message, "bob@home.test", "good@far.test", "bad@far.test", "later@far.test", "fine@far.test");
        var next = new TestJob(RelayBench.Message, "bob@home.test", "good@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job, next);
        Assert.Equal([OutcomeKind.Relayed, OutcomeKind.Failed, OutcomeKind.Deferred, OutcomeKind.Relayed], Enumerable.Range(0, 4).Select(i => job.Outcomes[i].Kind));
        Assert.Equal("5.1.1", job.Outcomes[1].Status.ToString());
        Assert.Equal(OutcomeScope.Recipient, job.Outcomes[2].Scope);
        Assert.Equal(OutcomeKind.Relayed, next.Outcomes[0].Kind);
        Assert.Equal(1, peer.Connections);
        Assert.Equal(2, peer.Bodies.Count);
    }

    [Theory]
    [InlineData("PIPELINING", "354 go ahead all the same")]
    [InlineData("PIPELINING", "503 5.5.1 nobody")]
    [InlineData("PIPELINING CHUNKING", "unused")]
    [InlineData("", "unused")]
    public async Task All_recipients_refused_leaves_the_connection_good_for_the_next_message(string keywords, string data)
    {
        int datas = 0;
        await using var peer = new ScriptedPeer(keywords).On("rcpt", l => l.Contains("bad", StringComparison.Ordinal) ? "550 5.1.1 no" : null)
            .On("data", _ => ++datas == 2 && data != "unused" ? data : null);
        // The first message is taken: from then on DATA goes ahead of the answers.
        var first = new TestJob(RelayBench.Message, "bob@home.test", "good@far.test");
        var job = new TestJob(RelayBench.Message, "bob@home.test", "bad1@far.test", "bad2@far.test");
        var next = new TestJob(RelayBench.Message, "bob@home.test", "good@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), first, job, next);
        Assert.Equal(OutcomeKind.Relayed, first.Outcomes[0].Kind);
        Assert.All(job.Outcomes.Values, o => Assert.Equal(OutcomeKind.Failed, o.Kind));
        Assert.Equal(OutcomeKind.Relayed, next.Outcomes[0].Kind);
        Assert.Equal(1, peer.Connections);
        Assert.Equal(!data.StartsWith("354", StringComparison.Ordinal), peer.Lines.Contains("RSET"));
    }

    [Fact]
    public async Task Nobody_taken_in_the_first_transaction_ends_it_with_RSET_and_no_DATA()
    {
        await using var peer = new ScriptedPeer("PIPELINING").On("rcpt", _ => "451 4.2.1 later");
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test", "b@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job);
        Assert.All(job.Outcomes.Values, o => Assert.Equal(OutcomeKind.Deferred, o.Kind));
        Assert.DoesNotContain("DATA", peer.Lines);
        Assert.Contains("RSET", peer.Lines);
    }

    [Theory]
    [InlineData("mail", "550 5.7.1 sender refused", OutcomeKind.Failed)]
    [InlineData("mail", "452 4.3.1 no room", OutcomeKind.Deferred)]
    [InlineData("data", "550 5.7.1 not you", OutcomeKind.Failed)]
    [InlineData("data", "451 4.3.0 not now", OutcomeKind.Deferred)]
    [InlineData("eod", "554 5.6.0 too heavy", OutcomeKind.Failed)]
    [InlineData("eod", "450 4.7.1 grey", OutcomeKind.Deferred)]
    public async Task E38_a_refusal_of_the_message_holds_for_all_its_recipients_and_no_other_message(string step, string reply, OutcomeKind kind)
    {
        foreach (string keywords in (string[])["PIPELINING", ""])
        {
            await using var peer = new ScriptedPeer(keywords).Once(step, reply);
            var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test", "b@far.test");
            var next = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test");
            await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job, next);
            Assert.All(job.Outcomes.Values, o => Assert.Equal((kind, OutcomeScope.Message, reply), (o.Kind, o.Scope, o.Text)));
            Assert.Equal(OutcomeKind.Relayed, next.Outcomes[0].Kind);
            Assert.Equal(1, peer.Connections);
        }
    }

    [Fact]
    public async Task A_refused_chunk_is_the_message_s_refusal_and_RSET_goes_before_the_next()
    {
        await using var peer = new ScriptedPeer("PIPELINING CHUNKING").Once("bdat", "554 5.6.0 too heavy");
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test");
        var next = new TestJob("Subject: bare\n\n.one\n\nlast", "bob@home.test", "a@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job, next);
        Assert.Equal("5.6.0", job.Outcomes[0].Status.ToString());
        Assert.Equal(OutcomeKind.Relayed, next.Outcomes[0].Kind);
        Assert.Contains("RSET", peer.Lines);
        Assert.Equal("Subject: bare\r\n\r\n.one\r\n\r\nlast\r\n", peer.Bodies.Last());
    }

    [Fact]
    public async Task Too_many_recipients_at_once_go_in_a_second_transaction()
    {
        int taken = 0;
        await using var peer = new ScriptedPeer();
        peer.On("mail", _ => { taken = 0; return null; }).On("rcpt", _ => ++taken > 2 ? "452 4.5.3 too many recipients" : null);
        var job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test", "b@far.test", "c@far.test", "d@far.test", "e@far.test");
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job);
        Assert.All(job.Outcomes.Values, o => Assert.Equal(OutcomeKind.Relayed, o.Kind));
        Assert.Equal(3, peer.Bodies.Count);
    }

    [Fact]
    public async Task E4_bare_line_ends_of_the_store_never_reach_the_wire()
    {
        await using var peer = new ScriptedPeer();
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), "Subject: x\n\nfirst\n.\nMAIL FROM:<evil@x>\r\n.\r\n\r.\rend");
        Assert.Equal(["Subject: x\r\n\r\nfirst\r\n..\r\nMAIL FROM:<evil@x>\r\n..\r\n . end\r\n"], peer.Bodies);
    }

    [Fact]
    public async Task A_large_message_arrives_whole()
    {
        var text = new StringBuilder("Subject: large\r\n\r\n");
        for (int i = 0; text.Length < 3_000_000; i++)
            text.Append(i % 7 == 0 ? "." : "").Append("line ").Append(i).Append("\r\n");
        await using var peer = new ScriptedPeer("PIPELINING CHUNKING");
        peer.On("eod", _ => { Thread.Sleep(1); return null; });
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), text.ToString());
        Assert.Equal(text.ToString(), peer.Bodies.Single().Replace("\r\n..", "\r\n.", StringComparison.Ordinal).Replace("\r\n..", "\r\n.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_damaged_in_the_spool_is_never_ended_with_a_dot()
    {
        await using var peer = new ScriptedPeer();
        var job = new TestJob(new string('x', 200_000), "bob@home.test", "a@far.test") { DamagedFrom = 100_000 };
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job);
        Assert.Equal(OutcomeKind.Deferred, job.Outcomes[0].Kind);
        Assert.DoesNotContain(peer.Lines, l => l == ".");
    }

    [Fact]
    public async Task The_reverse_path_is_rewritten_but_the_null_one_stays()
    {
        await using var peer = new ScriptedPeer();
        ActionConfig.Relay action = RelayBench.Via(RelayBench.To(peer)) with { MailFrom = "@masked.test", Helo = "out.home.test" };
        await _bench.SendAsync(action, new TestJob(RelayBench.Message, "bob@home.test", "a@far.test"), new TestJob(RelayBench.Message, "", "a@far.test"));
        Assert.Equal(["MAIL FROM:<bob@masked.test>", "MAIL FROM:<>"], peer.Lines.Where(l => l.StartsWith("MAIL", StringComparison.Ordinal)).Select(l => l.Split(' ', 3)[0] + " " + l.Split(' ', 3)[1]));
        Assert.Contains("EHLO out.home.test", peer.Lines);
        Assert.Equal("news@other.test", RemoteAgent.Rewritten(new MailAddress("bob", "home.test"), "news@other.test").ToString());
    }

    [Fact]
    public async Task DSN_wishes_go_to_those_who_know_them()
    {
        await using var peer = new ScriptedPeer("PIPELINING DSN");
        TestJob job = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test").With(e => e with
        {
            Return = DsnReturn.Headers,
            DsnEnvelopeId = "ID1",
            Recipients = [e.Recipients[0] with { Notify = DsnNotify.Success, DsnOriginalRecipient = "rfc822;orig@far.test" }],
        });
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job);
        Assert.True(job.Outcomes[0].DsnHandedOver);
        Assert.Contains("MAIL FROM:<bob@home.test> RET=HDRS ENVID=ID1", peer.Lines);
        Assert.Contains("RCPT TO:<a@far.test> NOTIFY=SUCCESS ORCPT=rfc822;orig@far.test", peer.Lines);
        await using var plain = new ScriptedPeer("PIPELINING");
        TestJob again = job.With(e => e);
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain)), again);
        Assert.Contains("MAIL FROM:<bob@home.test>", plain.Lines);
        Assert.False(again.Outcomes[0].DsnHandedOver);
    }

    [Fact]
    public async Task A_server_of_the_old_days_is_greeted_with_HELO()
    {
        await using var peer = new ScriptedPeer().On("ehlo", "502 what is that?");
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)))).Kind);
        Assert.Equal(["EHLO mx.home.test", "HELO mx.home.test", "MAIL FROM:<bob@home.test>", "RCPT TO:<a@far.test>", "DATA", "QUIT"], peer.Lines);
    }

    [Fact]
    public async Task A_message_larger_than_the_announced_size_is_not_sent()
    {
        await using var peer = new ScriptedPeer("PIPELINING SIZE=10");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)));
        Assert.Equal((OutcomeKind.Failed, "5.3.4"), (outcome.Kind, outcome.Status.ToString()));
        Assert.DoesNotContain(peer.Lines, l => l.StartsWith("MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task E25_SMTPUTF8_tries_the_other_exchanger_and_then_fails_with_5_6_7()
    {
        await using var plain = new ScriptedPeer("PIPELINING 8BITMIME");
        await using var able = new ScriptedPeer("PIPELINING 8BITMIME SMTPUTF8");
        DeliveryOutcome outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain), RelayBench.To(able)), to: "jürgen@far.test");
        Assert.Equal(OutcomeKind.Relayed, outcome.Kind);
        Assert.Contains($"MAIL FROM:<bob@home.test> BODY=8BITMIME SMTPUTF8", able.Lines);
        outcome = await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain)), to: "jürgen@far.test");
        Assert.Equal((OutcomeKind.Failed, "5.6.7"), (outcome.Kind, outcome.Status.ToString()));
    }

    [Fact]
    public async Task E25_a_flag_without_need_is_dropped()
    {
        await using var plain = new ScriptedPeer("PIPELINING 8BITMIME");
        TestJob job = new TestJob("Subject: plain\r\n\r\nGrüße\r\n", "bob@home.test", "a@far.test").With(e => e with { SmtpUtf8 = true, Body = BodyType.EightBitMime });
        TestJob raw = new TestJob("Subject: Grüße\r\n\r\nx\r\n", "bob@home.test", "a@far.test").With(e => e with { SmtpUtf8 = true });
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain)), job, raw);
        Assert.Equal(OutcomeKind.Relayed, job.Outcomes[0].Kind);
        Assert.Equal("5.6.7", raw.Outcomes[0].Status.ToString());
        Assert.Contains("MAIL FROM:<bob@home.test> BODY=8BITMIME", plain.Lines);
    }

    [Theory]
    [InlineData("PIPELINING")]
    [InlineData("PIPELINING CHUNKING")]
    [InlineData("")]
    public async Task E24_an_8_bit_message_is_converted_for_a_peer_without_8BITMIME(string keywords)
    {
        await using var peer = new ScriptedPeer(keywords);
        TestJob job = new TestJob("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n.Gr\u00fc\u00dfe\r\n", "bob@home.test", "a@far.test")
            .With(e => e with { Body = BodyType.EightBitMime });
        TestJob plain = new TestJob(RelayBench.Message, "bob@home.test", "a@far.test").With(e => e with { Body = BodyType.EightBitMime });
        await _bench.SendAsync(RelayBench.Via(RelayBench.To(peer)), job, plain);
        Assert.Equal(OutcomeKind.Relayed, job.Outcomes[0].Kind);
        Assert.Equal(OutcomeKind.Relayed, plain.Outcomes[0].Kind);
        string sent = peer.Bodies.First();
        Assert.True(Ascii.IsValid(sent));
        Assert.Contains("Gr=C3=BC=C3=9Fe\r\n", sent, StringComparison.Ordinal);
        Assert.Contains("quoted-printable", sent, StringComparison.Ordinal);
        Assert.Equal(RelayBench.Message, peer.Bodies.Last());
        Assert.DoesNotContain(peer.Lines, l => l.Contains("BODY=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task E24_what_is_signed_is_not_converted_but_may_go_to_an_exchanger_that_takes_it()
    {
        const string signed = "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"; micalg=pgp-sha256\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n";
        await using var plain = new ScriptedPeer("PIPELINING");
        await using var able = new ScriptedPeer("PIPELINING 8BITMIME");
        DeliveryOutcome alone = await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain)), signed);
        Assert.Equal((OutcomeKind.Failed, "5.6.3"), (alone.Kind, alone.Status.ToString()));
        Assert.Equal(OutcomeKind.Relayed, (await _bench.SendAsync(RelayBench.Via(RelayBench.To(plain), RelayBench.To(able)), signed)).Kind);
    }
}
