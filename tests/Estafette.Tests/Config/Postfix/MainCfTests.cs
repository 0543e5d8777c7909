using System.Collections.Immutable;
using System.Net;
using Estafette.Config;
using Estafette.Config.Model;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Config.Postfix;

/// <summary>How main.cf is read (postconf(5)), and what is told of a bad one.</summary>
public sealed class MainCfTests
{
    [Fact]
    public void P4_comments_blank_lines_and_continuations_stand_anywhere()
    {
        MailConfig config = MainCfText.Config("""
            # a comment
            myhostname = mx.example.org

            mydestination = $myhostname, $mydomain,
            	localhost.$(mydomain)
              # a comment in between

                localhost
            relayhost =
            """);
        Assert.Equal(["mx.example.org", "example.org", "localhost.example.org", "localhost"], config.Maps!.Classes.Local.Patterns.Select(p => p.Text));
        Assert.Equal("", config.Maps.Transports.RelayHost);
    }

    [Fact]
    public void P4_of_two_lines_with_one_name_the_last_holds_and_both_are_told()
    {
        ConfigResult result = MainCfText.Read("relayhost = a\nrelayhost = b\n");
        Assert.Equal("b", result.Config!.Maps!.Transports.RelayHost);
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Warning && d.At.Line == 2 && d.Message == "overriding earlier entry: relayhost=a");
    }

    [Fact]
    public void E54_a_password_in_a_line_is_not_told_with_it()
    {
        const string line = "smtp_sasl_password_maps = static:login:secretword\n";
        ConfigResult result = MainCfText.Read(line + line + "my_password = secretword\n");
        Assert.NotEmpty(result.Diagnostics);
        Assert.DoesNotContain(result.Diagnostics, d => (d.Message + d.Cure).Contains("secretword", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("inline:{ { [gate.test] = joe:secretword } {x} }")]
    [InlineData("unionmap:{ hash:/x inline:{joe:secretword} }")]
    public void E54_nor_is_one_of_a_table_that_is_written_wrong(string table)
    {
        ConfigResult result = MainCfText.Read($"smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = {table}\n");
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Error);
        Assert.DoesNotContain(result.Diagnostics, d => (d.Message + d.Cure).Contains("secretword", StringComparison.Ordinal));
    }

    [Fact]
    public void V8_a_continuation_that_is_not_indented_names_line_and_cure()
    {
        ConfigResult result = MainCfText.Read("mydestination = $myhostname, sulfura,\nlocalhost.$mydomain, localhost, localhost.localdomain\n");
        Diagnostic error = Assert.Single(result.Diagnostics, d => d.Severity == Severity.Error);
        Assert.Equal(2, error.At.Line);
        Assert.StartsWith("missing '=' after attribute name", error.Message, StringComparison.Ordinal);
        Assert.Contains("begin the line with a blank", error.Cure, StringComparison.Ordinal);
        Assert.Contains("mydestination", error.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void P4_an_unknown_name_is_told_in_the_words_of_the_original_with_what_was_meant()
    {
        ConfigResult result = MainCfText.Read("smtpd_helo_require = yes\nown = x\nsmtpd_banner = $own\n");
        Diagnostic finding = Assert.Single(result.Diagnostics, d => d.Message.StartsWith("unused", StringComparison.Ordinal));
        Assert.Equal("unused parameter: smtpd_helo_require=yes", finding.Message);
        Assert.Equal("did you mean `smtpd_helo_required`?", finding.Cure);
    }

    [Theory]
    [InlineData("message_size_limit = big", "bad numerical configuration: message_size_limit = big")]
    [InlineData("smtpd_delay_reject = perhaps", "bad boolean configuration: smtpd_delay_reject = perhaps")]
    [InlineData("maximal_queue_lifetime = 5x", "parameter maximal_queue_lifetime: bad time value or unit: 5x")]
    [InlineData("maximal_queue_lifetime = 200d", "invalid maximal_queue_lifetime: 17280000 (max 8640000)")]
    [InlineData("qmgr_message_active_limit = 0", "invalid qmgr_message_active_limit parameter value 0 < 1")]
    [InlineData("myhostname =", "bad string length 0 < 1: myhostname =")]
    [InlineData("compatibility_level = new", "malformed compatibility level syntax: \"new\"")]
    [InlineData("relayhost = ${mydomain", "relayhost: truncated macro reference: \"${mydomain\"")]
    public void A_value_that_cannot_be_is_an_error_in_the_words_of_the_original(string line, string message)
    {
        ConfigResult result = MainCfText.Read(line + "\n");
        Assert.Null(result.Config);
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Error && d.Message == message && d.At.Line == 1 && d.Cure is not null);
    }

    [Theory]
    [InlineData("delay_warning_time = 4", 4 * 3600)]
    [InlineData("delay_warning_time = 30m", 30 * 60)]
    [InlineData("delay_warning_time = 1w", 7 * 86400)]
    public void A_bare_number_counts_in_the_unit_of_the_parameter(string line, int seconds) =>
        Assert.Equal(seconds, Assert.Single(MainCfText.Config(line + "\n").Retry.WarnAfter).TotalSeconds);

    [Fact]
    public void A_message_waits_as_long_as_it_is_old_between_the_two_bounds() =>
        Assert.Equal([300, 300, 600, 1200, 2400, 4000], MainCfText.Config("").Retry.Schedule.Select(w => (int)w.TotalSeconds));

    [Theory]
    [InlineData("", "mx.example.org", "example.org")]
    [InlineData("mydomain = other.test", "mx.example.org", "other.test")]
    [InlineData("myhostname = a.b.c", "a.b.c", "b.c")]
    [InlineData("myhostname = alone", "alone", "localdomain")]
    [InlineData("myhostname = $mydomain", "localdomain", "localdomain")]
    public void P12_the_names_of_the_machine_follow_from_each_other(string main, string host, string domain)
    {
        MailConfig config = MainCfText.Config(main + "\n");
        Assert.Equal((host, domain), (config.HostName, config.Maps!.Rewriting.Domain));
    }

    [Fact]
    public void P12_a_name_without_a_dot_gets_the_domain() =>
        Assert.Equal("mx.localdomain", MainCfText.Config("", machine: new MachineInMemory { NodeName = "mx" }).HostName);

    [Theory]
    [InlineData("host", "127.0.0.1/32 192.0.2.7/32 [::1]/128 [2001:db8::7]/128")]
    [InlineData("subnet", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [2001:db8::]/64")]
    [InlineData("class", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [2001:db8::]/64")]
    public void P12_the_own_networks_are_those_of_the_interfaces(string style, string networks)
    {
        var machine = new MachineInMemory
        {
            Interfaces = [new("lo", IPAddress.Loopback, PrefixLength: 8), new("eth0", IPAddress.Parse("2001:db8::7"), PrefixLength: 64), new("lo", IPAddress.IPv6Loopback, PrefixLength: 128), new("eth0", IPAddress.Parse("192.0.2.7"), PrefixLength: 24)],
        };
        MailConfig config = MainCfText.Config("mynetworks_style = " + style + "\n", machine: machine);
        Assert.Equal(networks.Split(' ').Order(), config.Listeners[0].Smtpd!.Networks.Patterns.Select(p => p.Text).Order());
    }

    [Fact]
    public void V10_patterns_come_from_the_value_from_files_and_from_tables()
    {
        MachineInMemory machine = new MachineInMemory().With("/etc/postfix/nets", "192.0.2.0/24\n# no\n!198.51.100.7, 203.0.113.0/24\n");
        MailConfig config = MainCfText.Config("mynetworks = 127.0.0.0/8 [::1]/128, !/etc/postfix/nets\n", machine: machine);
        Assert.Equal([new("127.0.0.0/8"), new("[::1]/128"), new("192.0.2.0/24", true), new("198.51.100.7"), new("203.0.113.0/24", true)], config.Listeners[0].Smtpd!.Networks.Patterns.AsEnumerable());
        Assert.Contains(MainCfText.Read("mynetworks = /nowhere\n").Diagnostics, d => d.Severity == Severity.Error && d.Message.Contains("/nowhere", StringComparison.Ordinal));
    }

    [Fact]
    public void The_files_that_a_list_names_are_part_of_the_configuration()
    {
        ConfigResult result = MainCfText.Read("myorigin = /etc/mailname\nmydestination = /etc/postfix/own\n", machine: new MachineInMemory().With("/etc/mailname", "mail.test\n").With("/etc/postfix/own", "a.test\n"));
        Assert.Equal("mail.test", result.Config!.Maps!.Rewriting.Origin);
        Assert.Equal(["/etc/mailname", "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/own"], result.Sources.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>Nothing that stands in the two files makes reading throw or hang.</summary>
    [Fact]
    public void Whatever_the_files_hold_there_is_a_result()
    {
        string[] words = ["myhostname", "mydomain", "=", " ", "\n", "\n ", "$", "${", "}", "{", "?", ":", "mydestination", "$mydomain", "${a?b}", "#", ",", "hash:", "inline:{", "smtp", "inet", "unix", "n", "-", "smtpd", "-o", "/etc/x", "!", "[::1]", "<level", "==", "{3}", "\u00e9", "\0", "relayhost", "smtpd_relay_restrictions", "check_client_access"];
        Gen<string> text = Gen.ArrayOf(Gen.Elements(words)).Select(w => string.Join("", w));
        Prop.ForAll(text.Two().ToArbitrary(), pair => _ = MainCfText.Read(pair.Item1, pair.Item2).Diagnostics.Length).QuickCheckThrowOnFailure();
        Prop.ForAll(text.ToArbitrary(), main => _ = MainCfText.Read(main).Diagnostics.Length).QuickCheckThrowOnFailure();
    }
}
