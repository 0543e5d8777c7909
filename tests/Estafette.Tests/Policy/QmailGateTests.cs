using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Policy;
using Estafette.Tables;

namespace Estafette.Tests.Policy;

public class QmailGateTests
{
    private static readonly QmailSmtpdConfig s_smtpd = new() { Greeting = "mx", RcptHostsTable = "rcpthosts", MoreRcptHostsTable = "more", BadMailFromTable = "bad", LiteralHost = "mx", RulesTable = "rules" };

    private static QmailGate Gate(params (string Table, string Key, string Value)[] rows)
    {
        var config = new MailConfig
        {
            Dialect = Dialect.Qmail,
            Source = "",
            HostName = "mx",
            Tables = ((string[])["rcpthosts", "more", "bad", "rules"]).ToImmutableDictionary(name => name, name => new TableConfig
            {
                Name = name,
                Kind = TableKind.Inline,
                At = new SourceSpan("control/" + name, 1, 1),
                Rows = [.. rows.Where(r => r.Table == name).Select(r => KeyValuePair.Create(r.Key, r.Value))],
            }),
        };
        return new QmailGate(config, s_smtpd, new TableSet(config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { }));
    }

    private static async Task<string> AskAsync(QmailGate gate, ClientRule rule, string sender, string recipient)
    {
        int at = sender.IndexOf('@', StringComparison.Ordinal), to = recipient.IndexOf('@', StringComparison.Ordinal);
        Verdict verdict = await gate.RecipientAsync(
            rule, sender.Length == 0 ? MailAddress.Null : new MailAddress(sender[..at], sender[(at + 1)..]), to < 0 ? new MailAddress(recipient, "") : new MailAddress(recipient[..to], recipient[(to + 1)..]), default);
        return verdict.Reply.Length == 0 ? "" : verdict.Reply[..3];
    }

    [Theory]
    [InlineData("a@conform.test", "")]
    [InlineData("a@CONFORM.TEST", "")]
    [InlineData("a@sub.wild.test", "")]
    [InlineData("a@deep.sub.wild.test", "")]
    [InlineData("a@wild.test", "553")]
    [InlineData("a@sub.conform.test", "553")]
    [InlineData("a@more.test", "")]
    [InlineData("a@far.test", "553")]
    [InlineData("alice", "")]
    public async Task Strangers_reach_the_listed_domains_only(string recipient, string code) =>
        Assert.Equal(code, await AskAsync(Gate(("rcpthosts", "conform.test", ""), ("rcpthosts", ".wild.test", ""), ("more", "more.test", "")), ClientRule.Default, "x@y.test", recipient));

    [Theory]
    [InlineData("spam@bad.test", "553")]
    [InlineData("SPAM@BAD.TEST", "553")]
    [InlineData("ok@bad.test", "")]
    [InlineData("any@evil.test", "553")]
    [InlineData("any@sub.evil.test", "")]
    [InlineData("", "")]
    public async Task Senders_that_are_listed_are_refused_to_everybody(string sender, string code) =>
        Assert.Equal(code, await AskAsync(Gate(("rcpthosts", "conform.test", ""), ("bad", "spam@bad.test", ""), ("bad", "@evil.test", "")), ClientRule.Default, sender, "a@conform.test"));

    [Fact]
    public async Task Q11_Who_has_RELAYCLIENT_reaches_everybody()
    {
        QmailGate gate = Gate(("rules", "127.", "+RELAYCLIENT=\0"), ("rules", "127.0.0.66", "D"));
        ClientRule? rule = await gate.RuleAsync(IPAddress.Loopback, null, default);
        Assert.Equal("", await AskAsync(gate, rule!, "x@y.test", "a@far.test"));
        Assert.False((await gate.RuleAsync(IPAddress.Parse("127.0.0.66"), null, default))!.Allowed);
        Assert.Equal("553", await AskAsync(gate, (await gate.RuleAsync(IPAddress.Parse("192.0.2.1"), null, default))!, "x@y.test", "a@far.test"));
    }
}
