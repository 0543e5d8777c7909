using System.Net;
using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;

namespace Estafette.Tests.Config;

public sealed class SettingTests
{
    private const string Rule = "\naction \"a\" mbox\nmatch for local action \"a\"\n";

    [Fact]
    public void Settings_of_the_new_grammar()
    {
        MailConfig config = Conf.Good("""
            smtp max-message-size 1M
            smtp sub-addr-delim "-"
            smtp limit max-rcpt 10 max-mails 20
            queue ttl 1d
            bounce warn-interval 6h, 1h
            mta limit max-conn-per-host 3
            """ + Rule);
        Assert.Equal((1L << 20, 10, 20, 3), (config.Limits.MessageSize, config.Limits.Recipients, config.Limits.MessagesPerSession, config.Limits.ConnectionsPerNextHop));
        Assert.Equal(("-", TimeSpan.FromDays(1)), (config.SubaddressDelimiters, config.Retry.Lifetime));
        Assert.Equal([TimeSpan.FromHours(1), TimeSpan.FromHours(6)], config.Retry.WarnAfter.AsEnumerable());
    }

    [Fact]
    public void Settings_of_the_old_grammar()
    {
        MailConfig config = Conf.Good("max-message-size 500K\nexpire 2d\nbounce-warn 1h, 6h\nsubaddressing-delimiter _\nlimit session max-rcpt 5\naccept for local deliver to mbox");
        Assert.Equal((500L << 10, TimeSpan.FromDays(2), "_", 5), (config.Limits.MessageSize, config.Retry.Lifetime, config.SubaddressDelimiters, config.Limits.Recipients));
    }

    [Fact]
    public void Our_own_statements()
    {
        MailConfig config = Conf.Good("""
            log style postfix
            log trace smtp, mta
            nameserver 127.0.0.1:5353
            nameserver ::1
            retry schedule { 30s, 5m,
                2h }
            limit hops 20
            limit text-line 2000
            limit command-timeout 2m
            """ + Rule);
        Assert.Equal(LogStyle.Postfix, config.Log.Style);
        Assert.True(config.Log.Trace.SetEquals(["smtp", "mta"]));
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:5353"), IPEndPoint.Parse("[::1]:53")], config.NameServers.AsEnumerable());
        Assert.Equal([TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromHours(2)], config.Retry.Schedule.AsEnumerable());
        Assert.Equal((20, 2000, TimeSpan.FromMinutes(2)), (config.Limits.Hops, config.Limits.TextLine, config.Limits.CommandTimeout));
    }

    [Fact]
    public void Every_limit_of_the_model_has_a_name_in_the_language_and_sets_its_own_property()
    {
        string Kebab(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
        var properties = typeof(LimitsConfig).GetProperties().ToDictionary(p => Kebab(p.Name));
        Assert.Equal(properties.Keys.Order(), LimitNames.All.Keys.Order());
        foreach ((string name, LimitNames.Limit limit) in LimitNames.All)
        {
            LimitsConfig changed = limit.Set(new LimitsConfig(), limit.Least + 1);
            object? expected = limit.Kind == LimitNames.ValueKind.Time ? TimeSpan.FromSeconds(limit.Least + 1) : Convert.ChangeType(limit.Least + 1, properties[name].PropertyType, null);
            Assert.Equal(expected, properties[name].GetValue(changed));
            Assert.Single(properties.Values, p => !Equals(p.GetValue(changed), p.GetValue(new LimitsConfig())));
        }
    }

    [Theory]
    [InlineData("smtp max-message-size 5X", "is not a size")]
    [InlineData("smtp max-message-size 1", "is out of range")]
    [InlineData("queue ttl 4", "is not a time")]
    [InlineData("queue ttl 0h", "is not a time")]
    [InlineData("queue encryption", "not supported yet: `queue encryption`")]
    [InlineData("smtp sub-addr-delim \"@\"", "one visible character")]
    [InlineData("nameserver localhost", "is no address of a name server")]
    [InlineData("log style syslog", "`syslog` is not known here")]
    [InlineData("limit hops 0", "is out of range")]
    [InlineData("table t sqlite:/etc/x", "not supported yet: tables of the kind `sqlite:`")]
    [InlineData("table t flie:/etc/x", "there are no tables of the kind `flie:`")]
    [InlineData("table t { }", "an empty list matches nothing")]
    [InlineData("a = \"x\" y", "a macro has one value")]
    [InlineData("listen on $nothing", "the macro `nothing` is not defined here")]
    public void A_wrong_setting_is_an_error(string line, string message)
    {
        ConfigResult result = Conf.Read(line + Rule);
        Assert.Null(result.Config);
        Assert.Contains(message, result.Diagnostics[0].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("queue compression")]
    [InlineData("srs ttl 4d")]
    [InlineData("listen on lo received-auth")]
    [InlineData("mta limit inet4")]
    [InlineData("admd \"example.org\"")]
    [InlineData("scheduler limit max-inflight 10")]
    public void What_is_passed_over_is_never_passed_over_in_silence(string line)
    {
        ConfigResult result = Conf.Read(line + Rule);
        Assert.NotNull(result.Config);
        Assert.Single(result.Diagnostics);
    }

    [Fact]
    public void Macros_hold_several_words_and_are_not_replaced_in_quotes()
    {
        MailConfig config = Conf.Good("doms = \"{ a.org, b.org }\"\nlan = \"lo port 2525\"\nlisten on $lan tag \"$lan\"\naction x mbox\nmatch from any for domain $doms action x");
        Assert.Equal((2525, "$lan"), (config.Listeners[0].EndPoint.Port, config.Listeners[0].Tag));
        Assert.Equal(["a.org", "b.org"], config.Tables[config.Rules[0].Criteria[1].Values!.Table].Rows.Select(r => r.Key));
    }

    [Fact]
    public void Macros_do_not_grow_without_a_limit()
    {
        string many = "a = \"" + string.Concat(Enumerable.Repeat("x ", 5000)) + "\"\n" + string.Concat(Enumerable.Repeat("table t { $a }\n", 100));
        Assert.Contains("macros grow to more than 100000 words here", Conf.Findings(many), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_list_is_read_in_time_that_grows_with_it_only()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        string rows = string.Join(", ", Enumerable.Range(0, 30_000).Select(i => "\"d" + i + ".example.org\""));
        MailConfig config = Conf.Good("table d { " + rows + " }\naction a mbox\nmatch from any for domain <d> action a");
        Assert.Equal(30_000, config.Tables["d"].Rows.Length);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), clock.Elapsed.ToString());
    }

    [Fact]
    public void Includes_that_turn_in_a_circle_are_told()
    {
        MachineInMemory machine = new MachineInMemory().With("a", "include \"b\"\n").With("b", "include \"a\"\n");
        Assert.Contains("`a` includes itself: smtpd.conf -> a -> b", Conf.Findings("include \"a\"" + Rule, machine), StringComparison.Ordinal);
    }

    [Fact]
    public void O8_the_source_of_a_missing_db_is_taken_with_a_warning()
    {
        ConfigResult result = Conf.Read("table al db:/etc/mail/aliases.db\naction a mbox alias <al>\nmatch for local action a", new MachineInMemory().With("/etc/mail/aliases", "root: alice"));
        Assert.NotNull(result.Config);
        Assert.Contains("`/etc/mail/aliases.db` is missing; its source `/etc/mail/aliases` is read instead", Conf.Printed(result), StringComparison.Ordinal);
        Assert.Null(Conf.Read("table al db:/etc/mail/aliases.db\naction a mbox alias <al>\nmatch for local action a").Config);
    }

    [Theory]
    [InlineData("644", true)]
    [InlineData("640", false)]
    [InlineData("600", false)]
    public void O27_E54_secrets_that_everybody_may_read_are_warned_of_and_never_shown(string mode, bool warned)
    {
        ConfigResult result = Conf.Read("listen on lo\ntable s file:/etc/mail/secrets\naction r relay host smtp+tls://label@h auth <s>\nmatch for any action r",
            new MachineInMemory().With("/etc/mail/secrets", "label me:S3cret", mode));
        Assert.NotNull(result.Config);
        Assert.Equal(warned, Conf.Printed(result).Contains("run `chmod 640 /etc/mail/secrets`", StringComparison.Ordinal));
    }

    [Fact]
    public void E54_a_damaged_line_of_a_file_with_secrets_is_named_but_not_shown()
    {
        ConfigResult result = Conf.Read("table s file:/etc/mail/secrets\naction r relay host smtp+tls://label@h auth <s>\nmatch for any action r",
            new MachineInMemory().With("/etc/mail/secrets", "label me:other\nS3cret", "600"));
        string printed = Conf.Printed(result);
        Assert.Contains("/etc/mail/secrets:2:1: error: this entry of the table `s` has no value", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cret", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("/etc/mail/secrets", result.Sources.Keys);
    }

    [Fact]
    public void Text_that_is_not_utf8_is_told_with_its_place()
    {
        byte[] bytes = [.. Encoding.ASCII.GetBytes("# caf"), 0xe9, (byte)'\n'];
        ConfigResult result = SmtpdConfReader.Read("x", new ReadOptions { Machine = new MachineInMemory().With("x", bytes) });
        Assert.Equal("x:1:6: error: this is not UTF-8 text (save the file as UTF-8: `iconv -f latin1 -t utf-8`)", DiagnosticPrinter.OneLine(result.Diagnostics[0]));
    }

    [Fact]
    public void The_preset_is_a_good_configuration_and_is_printed_in_the_manual()
    {
        string text = Preset.Fill("/home/me/state", "me", "me");
        ConfigResult result = SmtpdConfReader.ReadText(Preset.Name, text, new ReadOptions { Machine = new MachineInMemory() });
        Assert.Equal("", Conf.Printed(result));
        var local = Assert.IsType<ActionConfig.Local>(result.Config!.Actions["local"]);
        Assert.Equal((new LocalMethod.Maildir("/home/me/state/mail/%{user.username}"), "me"), (local.Method, local.RunAs));
        Assert.Equal("127.0.0.1:2525", Assert.Single(result.Config.Listeners).EndPoint.ToString());
        Assert.Contains(Preset.Fill("STATE", "USER", "USER"), Manual(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_manual_names_every_statement_and_every_limit()
    {
        string manual = Manual();
        Assert.All(Vocabulary.Statements.Concat(LimitNames.All.Keys), word => Assert.Contains("`" + word, manual, StringComparison.Ordinal));
    }

    [Fact]
    public void The_manuals_two_examples_are_good_and_mean_the_same()
    {
        MachineInMemory machine = new MachineInMemory().With("/etc/aliases", "root: alice").With("/etc/ssl/mail.example.org.crt", "c").With("/etc/ssl/private/mail.example.org.key", "k", "600");
        MailConfig[] read = [.. Manual().Split("```\n").Where(t => t.StartsWith("pki mail.example.org", StringComparison.Ordinal)).Select(t => Conf.Good(t, machine))];
        Assert.Equal([Dialect.OpenSmtpd, Dialect.OpenSmtpdOld], read.Select(c => c.Dialect));
        Assert.Equal(read[0].Rules.Select(r => string.Join(", ", r.Criteria.Select(c => c.Kind))), read[1].Rules.Select(r => string.Join(", ", r.Criteria.Select(c => c.Kind))));
    }

    [Fact]
    public void The_manuals_machine_with_a_provider_is_good()
    {
        string text = Assert.Single(Manual().Split("```\n"), t => t.StartsWith("table secrets file:", StringComparison.Ordinal));
        Assert.Equal("", Conf.Findings(text, new MachineInMemory().With("/etc/mail/secrets", "provider user@example.org:password\n", "640")));
    }

    private static string Manual()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Estafette.slnx")))
            folder = Path.GetDirectoryName(folder)!;
        return File.ReadAllText(Path.Combine(folder, "docs", "smtpd-conf.md"));
    }

    [Theory]
    [InlineData("label me:S3cret", null)]
    [InlineData("LABEL me:S3cret", null)]
    [InlineData("other me:S3cret", "has no row for the label `label`")]
    [InlineData("label S3cret", "is not of the form user:password")]
    public void A_label_without_a_login_is_told_before_mail_waits_for_it(string row, string? told)
    {
        ConfigResult result = Conf.Read("table s file:/etc/mail/secrets\naction r relay host smtp+tls://label@h auth <s>\nmatch for any action r",
            new MachineInMemory().With("/etc/mail/secrets", row + "\n", "640"));
        Assert.NotNull(result.Config);
        if (told is null)
            Assert.Empty(result.Diagnostics);
        else
            Assert.Contains(told, Assert.Single(result.Diagnostics).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cret", Conf.Printed(result), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[mx.test]:25 secure match=mx.test\nmx.test:587 encrypt\n[2001:db8::1]:25 \\\n  encrypt\n", true)]
    [InlineData("[mx.test]:25 secur\n", false)]
    public void A_table_file_may_name_next_hops_with_their_port(string rows, bool good)
    {
        ConfigResult result = Conf.Read("table p file:/etc/mail/policy\naction r relay tls-policy <p>\nmatch for any action r", new MachineInMemory().With("/etc/mail/policy", rows));
        Assert.True(good == result.Config is not null, Conf.Printed(result));
        Assert.Equal(!good, Conf.Printed(result).Contains("the TLS policy of `[mx.test]:25`", StringComparison.Ordinal));
    }

    [Fact]
    public void A_trust_anchor_that_nobody_names_is_noted() => Conf.Expect("""
        ca provider cert "/ca.pem"
        action "r" relay host smtp+tls://h.test
        match for any action "r"
        """, """
        smtpd.conf:1:4: note: no line uses `ca provider`, so it vouches for nobody
            ca provider cert "/ca.pem"
               ^~~~~~~~
          cure: add `ca provider` to the action or the listener that is to trust it
        """, new MachineInMemory().With("/ca.pem", ""));

    [Fact]
    public void Exchanged_files_of_a_certificate_are_told_as_that() => Conf.Expect("""
        pki m cert "/k.pem" key "/c.pem"
        listen on lo tls pki m
        action "l" mbox
        match for local action "l"
        """, """
        smtpd.conf:1:25: error: `/c.pem` holds a certificate and no private key
            pki m cert "/k.pem" key "/c.pem"
                                    ^~~~~~~~
          cure: write the files the other way round: `cert` takes the certificate, `key` the key
        """, new MachineInMemory().With("/c.pem", "-----BEGIN CERTIFICATE-----\n").With("/k.pem", "-----BEGIN PRIVATE KEY-----\n", "600"));

    [Fact]
    public void Verify_elsewhere_than_behind_the_word_that_asks_for_TLS_tells_where_it_stands() => Conf.Expect("""
        listen on lo verify port 26
        action "l" mbox
        match for local action "l"
        """, """
        smtpd.conf:1:14: error: `verify` stands directly behind the word that asks for TLS
            listen on lo verify port 26
                         ^~~~~~
          cure: write `tls-require verify`, `smtps verify` or `tls verify optional`
        """);
}
