using Estafette.Config.Model;

namespace Estafette.Tests.Smtpd.Postfix;

/// <summary>What access(5) tables want done with a message holds whatever the stage that asked them, and nothing gets in by it.</summary>
public sealed class AccessActionTests
{
    private static Restriction Access(string action, AccessVia via = AccessVia.Itself) =>
        new(RestrictionKind.CheckAccess, "t:" + action, SourceSpan.None) { Word = "check_sender_access", Subject = AccessSubject.Sender, Via = via };

    private static readonly Restriction s_closed = new(RestrictionKind.RejectUnauthDestination, "", SourceSpan.None) { Word = "reject_unauth_destination" };

    private static Task<ReceptionHost> StartAsync(string action, SmtpdConfig config) => ReceptionHost.StartAsync(new ReceptionSettings
    {
        Dialect = Dialect.Postfix,
        Tables = [new TableConfig { Name = "t:" + action, Kind = TableKind.Static, Values = [action], At = SourceSpan.None }],
        Listener = l => l with { Smtpd = config, Cleanup = new CleanupConfig() },
    });

    private static async Task<string> SendAsync(ReceptionHost host, string from, string to)
    {
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        await peer.AskAsync($"MAIL FROM:<{from}>");
        string answer = await peer.AskAsync($"RCPT TO:<{to}>");
        if (answer[0] == '2' && (await peer.AskAsync("DATA"))[0] == '3')
            await peer.AskAsync("Subject: x\r\n\r\nx\r\n.");
        return answer;
    }

    /// <summary>The recipients are not asked about any more: all the more must the message go nowhere.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_discarded_sender_reaches_nobody(bool delayed)
    {
        await using ReceptionHost host = await StartAsync("DISCARD", new SmtpdConfig { DelayReject = delayed, Sender = [Access("DISCARD")], Relay = [s_closed] });
        Assert.StartsWith("250", await SendAsync(host, "spam@bad.test", "victim@away.test"), StringComparison.Ordinal);
        Assert.Empty(host.Intake.Messages);
    }

    [Fact]
    public async Task What_is_held_at_MAIL_is_held()
    {
        await using ReceptionHost host = await StartAsync("HOLD", new SmtpdConfig { DelayReject = false, Sender = [Access("HOLD")], Relay = [s_closed] });
        Assert.StartsWith("250", await SendAsync(host, "a@bad.test", "alice@mx.test"), StringComparison.Ordinal);
        Assert.True(Assert.Single(host.Intake.Messages).Envelope.Hold);
    }

    /// <summary>Whoever runs a domain chooses its servers (postconf(5) check_sender_mx_access: no OK).</summary>
    [Theory]
    [InlineData("OK")]
    [InlineData("permit")]
    public async Task A_servers_entry_never_opens_the_relay(string action)
    {
        await using ReceptionHost host = await StartAsync(action, new SmtpdConfig { Relay = [Access(action, AccessVia.MailExchangers), s_closed] });
        Assert.StartsWith("451", await SendAsync(host, "a@[192.0.2.1]", "victim@away.test"), StringComparison.Ordinal);
    }
}
