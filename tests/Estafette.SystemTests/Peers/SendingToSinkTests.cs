using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.SystemTests.Harness;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Peers;

/// <summary>The sending side against Postfix's smtp-sink in its many moods.</summary>
public sealed class SendingToSinkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RelayBench _bench = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("-p")]
    [InlineData("-e")]
    [InlineData("-E -p")]
    public async Task Messages_arrive_whole_over_one_connection(string options)
    {
        await using SmtpSink sink = await StartAsync(options);
        TestJob[] jobs = [.. Enumerable.Range(0, 20).Select(i => new TestJob($"Subject: {i}\r\n\r\n.first\r\n..\r\n.\r\nlast", "bob@home.test", "a@far.test", "b@far.test"))];
        await _bench.SendAsync(Via(sink), jobs);
        Assert.All(jobs.SelectMany(j => j.Outcomes.Values), o => Assert.Equal(OutcomeKind.Relayed, o.Kind));
        Assert.Equal(20, sink.Messages.Count);
        Assert.All(sink.Messages, m => Assert.EndsWith("\n\n.first\n..\n.\nlast\n", m.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n') + "\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-q", OutcomeKind.Deferred)]
    [InlineData("-Q", OutcomeKind.Deferred)]
    [InlineData("-r", OutcomeKind.Deferred)]
    [InlineData("-f", OutcomeKind.Failed)]
    public async Task E38_trouble_at_any_command_is_told_as_it_is(string how, OutcomeKind expected)
    {
        foreach (string command in (string[])["ehlo", "mail", "rcpt", "data", "."])
        {
            await using SmtpSink sink = await StartAsync($"{how} {command}");
            DeliveryOutcome outcome = await _bench.SendAsync(Via(sink));
            // With EHLO refused, HELO is tried, and the sink takes that.
            OutcomeKind kind = how == "-f" && command == "ehlo" ? OutcomeKind.Relayed : expected;
            Assert.True(kind == outcome.Kind, $"{how} {command}: {outcome}");
        }
    }

    private static ActionConfig.Relay Via(SmtpSink sink) => RelayBench.Via(new RelayHost { Host = "127.0.0.1", Port = sink.Port, Tls = TlsLevel.May });

    private async Task<SmtpSink> StartAsync(string options)
    {
        var sink = new SmtpSink(_folder[Guid.NewGuid().ToString("N")], options.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(sink.Port), "smtp-sink listens");
        return sink;
    }
}
