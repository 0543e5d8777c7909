using Estafette.Config;

namespace Estafette.Tests.Config;

/// <summary>The exact words an administrator sees. A change here is a change of the product.</summary>
public sealed class FindingTextTests
{
    private const string Rest = "\nlisten on lo\naction \"a\" mbox\nmatch for local action \"a\"\n";

    [Fact]
    public void All_errors_are_told_together_each_with_place_line_caret_and_cure() => Conf.Expect("""
        lisen on lo
        listen on lo prot 25
        action "out" relay hots smtp://mail.example.org
        match form any for domain example.org action "out"
        match for local action "nobody"
        """, """
        smtpd.conf:1:1: error: `lisen` is no statement
            lisen on lo
            ^~~~~
          cure: did you mean `listen`?
        smtpd.conf:2:14: error: `prot` is not known here
            listen on lo prot 25
                         ^~~~
          cure: did you mean `port`?
        smtpd.conf:3:20: error: `hots` is not known here
            action "out" relay hots smtp://mail.example.org
                               ^~~~
          cure: did you mean `host`?
        smtpd.conf:4:7: error: `form` is not known here
            match form any for domain example.org action "out"
                  ^~~~
          cure: did you mean `from`?
        smtpd.conf:5:24: error: there is no action `nobody`
            match for local action "nobody"
                                   ^~~~~~~~
          cure: declare it: `action "nobody" maildir`, or `action "nobody" relay`
        """);

    [Theory]
    [InlineData("table secrets { home = \"alice:s3cret\" } nonsense", "table secrets { home = \"alice:******\" } nonsense")]
    [InlineData("table secrets { home = alice:s3cret, b = 'c:s3cret' } nonsense", "table secrets { home = alice:******, b = 'c:******' } nonsense")]
    [InlineData("table users { alice = \"$6$s3cret$s3cret\" } nonsense", "table users { alice = \"****************\" } nonsense")]
    [InlineData("srs key \"s3cret\" nonsense", "srs key \"******\" nonsense")]
    [InlineData("srs key backup s3cret nonsense", "srs key backup ****** nonsense")]
    [InlineData("table aliases { lists = \":include:/etc/lists\" } nonsense", "table aliases { lists = \":include:/etc/lists\" } nonsense")]
    [InlineData("relay = smtp://host nonsense {", "relay = smtp://host nonsense {")]
    public void E54_a_line_is_shown_without_its_secrets(string line, string shown)
    {
        string printed = Conf.Findings(line + Rest);
        Assert.Contains("    " + shown + "\n", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void O26_the_blank_inside_the_tutorials_url_is_pointed_at() => Conf.Expect("""
        listen on lo
        table secrets { label = "me@gmail.com:secret" }
        accept from local for any relay via tls+ auth://label@smtp.gmail.com:587 auth <secrets>
        """, """
        smtpd.conf:3:41: error: there is a blank inside the URL
            accept from local for any relay via tls+ auth://label@smtp.gmail.com:587 auth <secrets>
                                                    ^
          cure: write `tls+auth://label@smtp.gmail.com:587`
        """);

    [Fact]
    public void E52_an_open_relay_is_refused_with_its_line() => Conf.Expect("""
        listen on all
        action "out" relay
        match from any for any action "out"
        """, """
        smtpd.conf:3:1: error: this rule makes an open relay: it takes mail of anybody for anywhere
            match from any for any action "out"
            ^~~~~
          cure: write `match from local for any ...` or `match from auth for any ...`, name the domains with `for domain`, or name the clients with `from src`; if strangers really may relay, add `open-relay`
        """);

    [Fact]
    public void Both_grammars_in_one_file_is_an_error_that_says_so() => Conf.Expect("""
        listen on lo
        accept for local deliver to mbox
        action "a" mbox
        match for local action "a"
        """, """
        smtpd.conf:3:1: error: `action` belongs to the new grammar (OpenSMTPD 6.4 and later), but `accept` (smtpd.conf:2) to the old grammar (OpenSMTPD up to 6.3)
            action "a" mbox
            ^~~~~~
          cure: keep to one grammar; docs/smtpd-conf.md shows both side by side
        """);

    [Fact]
    public void O24_auth_without_tls_is_an_error() => Conf.Expect("listen on lo auth" + Rest, """
        smtpd.conf:1:14: error: `auth` needs TLS: passwords would travel in the clear
            listen on lo auth
                         ^~~~
          cure: add `tls-require` (STARTTLS) or `smtps` (port 465) before it; who wants it all the same adds `auth-without-tls`
        """);

    [Fact]
    public void A_brace_that_is_not_closed_is_told_where_it_opens_and_the_next_statement_is_read() => Conf.Expect("""
        table domains { example.org, example.net
        listen on lo prot 25
        """, """
        smtpd.conf:1:15: error: this `{` is never closed
            table domains { example.org, example.net
                          ^
          cure: put `}` behind the last value
        smtpd.conf:2:14: error: `prot` is not known here
            listen on lo prot 25
                         ^~~~
          cure: did you mean `port`?
        """);

    [Fact]
    public void A_string_that_is_not_closed_does_not_swallow_the_next_line() => Conf.Expect("action \"a mbox\nmatch for local action \"b\"\n", """
        smtpd.conf:1:8: error: this string is not closed
            action "a mbox
                   ^~~~~~~
          cure: put a double quote where it ends, or a backslash at the end of a line that goes on
        smtpd.conf:2:24: error: there is no action `b`
            match for local action "b"
                                   ^~~
          cure: declare it: `action "b" maildir`, or `action "b" relay`
        """);

    [Fact]
    public void What_is_missing_at_the_end_of_a_line_is_told_there() => Conf.Expect("match for any\naction \"a\" mbox\n", """
        smtpd.conf:1:14: error: the rule does not say what to do
            match for any
                         ^
          cure: end it with `action "name"` or `reject`
        """);

    [Fact]
    public void An_error_in_an_included_file_names_that_file() => Conf.Expect("include \"/etc/mail/more.conf\"" + Rest, """
        /etc/mail/more.conf:2:9: error: `frob` is not a size
            smtp max-message-size frob
        """.Replace(":2:9", ":2:23", StringComparison.Ordinal) + "\n                          ^~~~\n  cure: write octets, or `500K`, `35M`, `1G`",
        new MachineInMemory().With("/etc/mail/more.conf", "# sizes\nsmtp max-message-size frob\n"));

    [Fact]
    public void A_missing_configuration_says_how_to_name_one()
    {
        ConfigResult result = global::Estafette.Config.Dialects.OpenSmtpd.SmtpdConfReader.Read("/etc/mail/none.conf", new() { Machine = new MachineInMemory() });
        Assert.Null(result.Config);
        Assert.Equal("""
            /etc/mail/none.conf: error: cannot be read: there is no such file
              cure: name the configuration with --config PATH (smtpd: -f PATH)

            """, Conf.Printed(result));
    }

    [Fact]
    public void A_tab_before_the_caret_stays_a_tab() => Assert.Contains("    \t\tprot 25\n    \t\t^~~~\n", Conf.Findings("listen on lo \\\n\t\tprot 25" + Rest) + "\n");

    [Fact]
    public void E55_control_characters_of_the_file_never_reach_the_terminal()
    {
        string printed = Conf.Findings("listen on lo \u001b[31mred" + Rest);
        Assert.DoesNotContain('\u001b', printed);
        Assert.Contains("the character U+001B cannot stand here", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_line_is_shown_around_its_caret_only()
    {
        string printed = Conf.Findings("table t { " + string.Join(", ", Enumerable.Range(0, 900).Select(i => "a" + i)) + " } frob" + Rest);
        Assert.All(printed.Split('\n'), line => Assert.True(line.Length < 200, line));
        string[] lines = printed.Split('\n');
        Assert.Equal(lines[1].IndexOf("frob", StringComparison.Ordinal), lines[2].IndexOf('^', StringComparison.Ordinal));
    }

    [Fact]
    public void Colour_is_an_option_and_json_holds_the_same_findings()
    {
        ConfigResult result = Conf.Read("listne on lo" + Rest);
        Assert.Contains("\e[1;31merror\e[0m", new DiagnosticPrinter(result.Sources, DiagnosticStyle.Colour).Print(result.Diagnostics), StringComparison.Ordinal);
        using var json = System.Text.Json.JsonDocument.Parse(DiagnosticPrinter.Json(result.Diagnostics));
        System.Text.Json.JsonElement first = json.RootElement[0];
        Assert.Equal("error", first.GetProperty("severity").GetString());
        Assert.Equal("smtpd.conf", first.GetProperty("file").GetString());
        Assert.Equal(1, first.GetProperty("line").GetInt32());
        Assert.Equal("did you mean `listen`?", first.GetProperty("cure").GetString());
        Assert.Equal("smtpd.conf:1:1: error: `listne` is no statement (did you mean `listen`?)", DiagnosticPrinter.OneLine(result.Diagnostics[0]));
    }

    [Fact]
    public void A_main_cf_of_Postfix_is_told_once_and_not_line_by_line() => Conf.Expect("""
        # main.cf
        compatibility_level = 3.6
        mydestination = $myhostname, localhost
        relayhost = [smtp.example.net]:587
        smtpd_banner = $myhostname ESMTP
          continued
        """, """
        smtpd.conf:2:1: error: this is a main.cf of Postfix, and not an smtpd.conf
            compatibility_level = 3.6
            ^~~~~~~~~~~~~~~~~~~
          cure: write its settings as an smtpd.conf; docs/smtpd-conf.md has a usual domain to begin with
        """);

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void A_macro_with_a_name_of_Postfix_and_a_byte_order_mark_are_no_errors(string lineEnd) =>
        Assert.Equal("", Conf.Findings("\uFEFF# comment\nmyhostname = \"lo\"\nlisten on $myhostname\naction \"a\" mbox\nmatch for local action \"a\"\n".Replace("\n", lineEnd, StringComparison.Ordinal)));
}
