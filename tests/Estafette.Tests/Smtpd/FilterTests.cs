using System.Collections.Immutable;
using global::Estafette.Config.Model;
using global::Estafette.Events;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>The built-in filters of smtpd.conf at work in sessions.</summary>
public sealed class FilterTests
{
    [Fact]
    public async Task A_refused_connection_without_disconnect_never_gets_a_greeting()
    {
        await using ReceptionHost host = await Host([Filter("rdns", FilterPhase.Connect, Reject("550 bad reverse name"), On(FilterConditionKind.Rdns, "^bad\\.", regex: true))], reverse: "bad.rdns.test");
        await using SmtpPeer peer = await host.ConnectAsync();
        Assert.Equal("550 bad reverse name", await peer.ReplyAsync());
        Assert.StartsWith("503 5.5.1", await peer.AskAsync("EHLO x.test"), StringComparison.Ordinal);
        Assert.Equal("221 2.0.0 Bye", await peer.AskAsync("QUIT"));
        Assert.Equal("smtpd.conf:3", host.Published.OfType<CommandRefused>().First().Rule);
    }

    [Fact]
    public async Task A_refused_recipient_is_named_to_the_log()
    {
        await using ReceptionHost host = await Host([Filter("to", FilterPhase.RcptTo, Reject("550 5.1.1 trapped"), On(FilterConditionKind.RcptTo, "bob@mx.test"))]);
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO client.test");
        await peer.AskAsync("MAIL FROM:<a@b.test>");
        Assert.Equal("550 5.1.1 trapped", await peer.AskAsync("RCPT TO:<bob@mx.test> NOTIFY=NEVER"));
        Assert.Equal("bob@mx.test", host.Published.OfType<CommandRefused>().First().Recipient);
    }

    [Fact]
    public async Task Disconnect_hangs_up()
    {
        await using ReceptionHost host = await Host(
            [Filter("ip", FilterPhase.Connect, new FilterDecision(FilterDecisionKind.Disconnect, "550 5.7.1 not welcome"), On(FilterConditionKind.Source, "127.0.0.0/8"))]);
        await using SmtpPeer peer = await host.ConnectAsync();
        Assert.Equal("550 5.7.1 not welcome", await peer.ReplyAsync());
        Assert.Equal("closed", await peer.ReplyAsync());
    }

    [Fact]
    public async Task Refusals_at_each_command_leave_the_session_usable()
    {
        await using ReceptionHost host = await Host(
        [
            Filter("ehlo", FilterPhase.Ehlo, Reject("550 5.7.1 you are not localhost"), On(FilterConditionKind.Helo, "localhost")),
            Filter("from", FilterPhase.MailFrom, Reject("550 5.7.1 sender refused"), On(FilterConditionKind.MailFrom, "x@spam.test")),
            Filter("to", FilterPhase.RcptTo, Reject("550 5.1.1 trapped"), On(FilterConditionKind.RcptTo, "bob@mx.test")),
            Filter("data", FilterPhase.Commit, Reject("550 5.7.1 not this"), On(FilterConditionKind.MailFrom, "@never.test")),
        ]);
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        Assert.Equal("550 5.7.1 you are not localhost", await peer.AskAsync("EHLO localhost"));
        Assert.Equal("250 HELP", await peer.AskAsync("EHLO fine.test"));
        Assert.Equal("550 5.7.1 sender refused", await peer.AskAsync("MAIL FROM:<x@spam.test>"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<a@never.test>"));
        Assert.Equal("550 5.1.1 trapped", await peer.AskAsync("RCPT TO:<bob@mx.test>"));
        await peer.AskAsync("RCPT TO:<alice@mx.test>");
        await peer.AskAsync("DATA");
        Assert.Equal("550 5.7.1 not this", await peer.AskAsync("."));
        Assert.Empty(host.Intake.Messages);
        Assert.Equal(0, host.Intake.Open);
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<a@good.test>"));
    }

    [Fact]
    public async Task Junk_marks_every_message_of_the_session()
    {
        await using ReceptionHost host = await Host([Filter("junk", FilterPhase.Ehlo, new FilterDecision(FilterDecisionKind.Junk), On(FilterConditionKind.Helo, "junk.test"))]);
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        foreach (string command in new[] { "EHLO junk.test", "MAIL FROM:<a@b.test>", "RCPT TO:<alice@mx.test>", "DATA", "." })
            await peer.AskAsync(command);
        var (envelope, text) = Assert.Single(host.Intake.Messages);
        Assert.True(envelope.Junk);
        Assert.StartsWith("X-Spam: Yes\r\nReceived: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bypass_ends_the_chain_and_rewrite_changes_the_address()
    {
        await using ReceptionHost host = await Host(
        [
            Filter("pass", FilterPhase.MailFrom, new FilterDecision(FilterDecisionKind.Bypass), On(FilterConditionKind.MailFrom, "@good.test")),
            Filter("rest", FilterPhase.MailFrom, Reject("550 no"), []),
            Filter("to", FilterPhase.RcptTo, new FilterDecision(FilterDecisionKind.Rewrite, "<alice@mx.test>"), On(FilterConditionKind.RcptTo, "old@mx.test")),
        ]);
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO a.test");
        Assert.Equal("550 no", await peer.AskAsync("MAIL FROM:<a@other.test>"));
        Assert.Equal("250 2.0.0 Ok", await peer.AskAsync("MAIL FROM:<a@good.test>"));
        Assert.StartsWith("250", await peer.AskAsync("RCPT TO:<old@mx.test>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E44_a_table_that_cannot_be_read_is_a_temporary_refusal()
    {
        var table = new TableConfig { Name = "t1", Kind = TableKind.File, Path = "/nonexistent/estafette", At = SourceSpan.None };
        FilterConfig filter = Filter("from", FilterPhase.MailFrom, Reject("550 no"), [new FilterCondition(FilterConditionKind.MailFrom, false, new ValueList { Table = "t1" })]);
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings { Filters = [filter], Tables = [table], Listener = l => l with { Filter = "from" } });
        await using SmtpPeer peer = await host.ConnectAsync();
        await peer.ReplyAsync();
        await peer.AskAsync("EHLO a.test");
        Assert.StartsWith("451 4.3.0", await peer.AskAsync("MAIL FROM:<a@b.test>"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Negated_conditions_and_names_that_are_missing()
    {
        await using ReceptionHost host = await Host(
            [Filter("fcrdns", FilterPhase.Connect, Reject("550 no reverse name"), [new FilterCondition(FilterConditionKind.FcRdns, Negated: true)])], reverse: null);
        await using SmtpPeer peer = await host.ConnectAsync();
        Assert.Equal("550 no reverse name", await peer.ReplyAsync());
    }

    private static FilterDecision Reject(string text) => new(FilterDecisionKind.Reject, text);

    private static FilterConfig Filter(string name, FilterPhase phase, FilterDecision decision, ImmutableArray<FilterCondition> conditions) =>
        new FilterConfig.BuiltIn { Name = name, Phase = phase, Decision = decision, Conditions = conditions, At = new SourceSpan("smtpd.conf", 3, 1) };

    /// <summary>The value stands in a table of the same name.</summary>
    private static ImmutableArray<FilterCondition> On(FilterConditionKind kind, string value, bool regex = false) =>
        [new FilterCondition(kind, false, new ValueList { Table = value, Regex = regex })];

    private static Task<ReceptionHost> Host(FilterConfig[] filters, string? reverse = "client.test") => ReceptionHost.StartAsync(new ReceptionSettings
    {
        Filters = [.. filters, new FilterConfig.Chain([.. filters.Select(f => f.Name)]) { Name = "all", At = SourceSpan.None }],
        Listener = l => l with { Filter = "all" },
        Reverse = (_, _) => ValueTask.FromResult(new ReverseName(reverse, reverse is not null)),
        Tables = [.. filters.OfType<FilterConfig.BuiltIn>().SelectMany(f => f.Conditions).Where(c => c.Values is not null).Select(c => c.Values!.Table).Distinct()
            .Select(v => new TableConfig { Name = v, Kind = TableKind.Inline, Rows = [new(v, "")], At = SourceSpan.None })],
    });
}
