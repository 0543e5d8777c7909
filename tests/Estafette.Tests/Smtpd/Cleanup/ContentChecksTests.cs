using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtpd.Cleanup;

namespace Estafette.Tests.Smtpd.Cleanup;

/// <summary>Every action of header_checks(5), against what Postfix 3.7 did with the same rules and messages.</summary>
public sealed class ContentChecksTests
{
    private readonly CleanupBench _bench = new() { Context = HeaderContext.Local };

    [Theory]
    [InlineData("REJECT", false, "5.7.1 message content rejected")]
    [InlineData("REJECT no such mail", false, "5.7.1 no such mail")]
    [InlineData("REJECT 5.6.7 custom dsn", false, "5.6.7 custom dsn")]
    [InlineData("REJECT 4.6.7 later", true, "4.6.7 later")]
    [InlineData("REJECT 2.6.7 odd", true, "4.6.7 odd")]
    public void A_rejection_has_the_rows_words(string action, bool later, string reason)
    {
        Check("Subject: x\r\n", "/^Subject:/ " + action);
        Assert.Equal((later ? CleanupTrouble.Deferred : CleanupTrouble.Content, reason), (_bench.Findings.Trouble, _bench.Findings.Reason));
        ContentNoted noted = Assert.Single(_bench.Noted);
        Assert.Equal(("reject", "header", "Subject: x", "unknown[192.0.2.1]", "a@client.test", "alice@mx.test", "ESMTP", "client.test", reason),
            (noted.Action, noted.Context, noted.Content, noted.Origin, noted.Sender, noted.Recipient, noted.Protocol, noted.Helo, noted.Text));
    }

    [Fact]
    public void Fields_are_changed_as_the_rows_say()
    {
        string text = Check(
            "X-Ignore: 1\r\nX-Strip: 2\r\nX-Replace: value\r\nX-Prepend: p\r\nX-Folded: a\r\n  b\r\n\tc\r\nTo: bob, carol\r\n",
            "/^X-Ignore:/ IGNORE", "/^X-Strip:/ STRIP gone", "/^X-Replace: (.*)/ REPLACE X-Replaced: got $1", "/^X-Prepend:/ PREPEND X-Before: yes", "/^X-Folded: a\\s+b\\s+c/ REPLACE X-Unfolded: a b c",
            "/^To: bob/ REPLACE To: carol");
        Assert.StartsWith("X-Replaced: got value\r\nX-Before: yes\r\nX-Prepend: p\r\nX-Unfolded: a b c\r\nTo: carol@mx.test\r\nMessage-Id:", text, StringComparison.Ordinal);
        Assert.Equal(["strip", "replace", "prepend", "replace", "replace"], _bench.Noted.Select(n => n.Action));
        Assert.Equal("X-Folded: a?  b??c", _bench.Noted.ElementAt(3).Content);
    }

    [Fact]
    public void Messages_go_where_the_rows_say()
    {
        Check("X: filter\r\nX: bcc\r\nX: bcc\r\nX: hold\r\nX: hold\r\nX: redirect\r\nX: discard\r\n", "/filter/ FILTER scan:[127.0.0.1]:10025", "/bcc/ BCC dave@mx.test", "/hold/ HOLD", "/redirect/ REDIRECT carol@mx.test", "/discard/ DISCARD");
        Assert.Equal(("scan:[127.0.0.1]:10025", "carol@mx.test", true, false), (_bench.Findings.Filter, _bench.Findings.Redirect, _bench.Findings.Hold, _bench.Findings.Discard));
        Assert.Equal(["dave@mx.test", "dave@mx.test"], _bench.Findings.Copies);
        // After REDIRECT nothing is looked at any more; HOLD is told once.
        Assert.Equal(["filter", "bcc", "bcc", "hold", "redirect"], _bench.Noted.Select(n => n.Action));
    }

    [Fact]
    public void Discarded_content_is_not_stored()
    {
        Check("X: discard\r\n", "/discard/ DISCARD bye");
        Assert.True(_bench.Findings.Discard);
        Assert.Equal("", _bench.RunWhole("X: discard\r\n\r\nbody\r\n"));
    }

    [Fact]
    public void Warn_info_and_pass_change_nothing()
    {
        string text = Check("X: warn\r\nX: info\r\nX: dunno\r\nX: ok\r\nX: pass\r\nX: reject\r\n", "/warn/ WARN careful", "/info/ INFO", "/dunno/ DUNNO", "/ok/ OK", "/pass/ PASS", "/reject/ REJECT");
        Assert.StartsWith("X: warn\r\nX: info\r\nX: dunno\r\nX: ok\r\nX: pass\r\nX: reject\r\n", text, StringComparison.Ordinal);
        Assert.Equal(["warning", "info", "pass"], _bench.Noted.Select(n => n.Action));
        Assert.Equal(CleanupTrouble.None, _bench.Findings.Trouble);
    }

    [Theory]
    [InlineData("FROBNICATE it", "unknown command in r map: FROBNICATE it")]
    [InlineData("DELAY 1h", "unknown command in r map: DELAY 1h")]
    [InlineData("FILTER", "missing FILTER command argument in r map")]
    [InlineData("FILTER nocolon", "bad FILTER command nocolon in r -- need transport:destination")]
    [InlineData("REPLACE", "REPLACE action without text in r map")]
    [InlineData("REPLACE nonsense", "bad REPLACE header text \"nonsense\" in r map -- need \"headername: headervalue\"")]
    [InlineData("PREPEND nonsense", "bad PREPEND header text \"nonsense\" in r map -- need \"headername: headervalue\"")]
    [InlineData("REDIRECT carol", "bad REDIRECT target \"carol\" in r map -- need user@domain")]
    [InlineData("BCC carol", "bad BCC address \"carol\" in r map -- need user@domain")]
    [InlineData("REJECT 2.0.0 x", "bad DSN action in 2.0.0 x of r -- need 4.x.x or 5.x.x")]
    public void A_row_that_makes_no_sense_is_told(string action, string warning)
    {
        Check("X: 1\r\n", "/^X:/ " + action);
        Assert.Equal(warning.Replace(" r map", " header_checks map", StringComparison.Ordinal).Replace(" in r ", " in header_checks ", StringComparison.Ordinal).Replace(" of r ", " of header_checks ", StringComparison.Ordinal), Assert.Single(_bench.Warnings));
    }

    [Fact]
    public void Our_own_Received_field_is_looked_at_too()
    {
        _bench.Config = new CleanupConfig { HeaderChecks = _bench.Rules("r", "/^Received:.*ESMTP id/ PREPEND X-Saw-Received: yes") };
        Assert.StartsWith("X-Saw-Received: yes\r\nReceived: from client.test", _bench.RunWhole("Subject: x\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_of_the_body_are_changed_one_by_one()
    {
        _bench.Config = new CleanupConfig
        {
            BodyChecks = _bench.Rules("b", "/^ignore/ IGNORE", "/^replace (\\w+)/ REPLACE replaced $1", "/^prepend/ PREPEND before it", "/^empty/ REPLACE", "/^Subject/ REJECT"),
        };
        Assert.EndsWith("\r\n\r\nreplaced word\r\nbefore it\r\nprepend this\r\nempty\r\nlast\r\n", _bench.Run("Subject: x\r\n\r\nignore body\r\nreplace word\r\nprepend this\r\nempty\r\nlast\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Body_checks_end_at_their_limit_and_begin_again_in_each_part()
    {
        _bench.Config = new CleanupConfig { BodyChecksSize = 20, BodyChecks = _bench.Rules("b", "/^bad/ IGNORE") };
        string text = _bench.Run("Content-Type: multipart/mixed; boundary=b\r\n\r\n0123456789\r\n0123456789\r\nbad\r\n--b\r\n\r\nbad\r\nrest\r\n");
        Assert.EndsWith("0123456789\r\n0123456789\r\nbad\r\n--b\r\n\r\nrest\r\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_of_parts_and_of_attached_messages_have_checks_of_their_own()
    {
        _bench.Config = new CleanupConfig
        {
            HeaderChecks = _bench.Rules("h", "/^X-A:/ REPLACE X-Primary: 1"),
            MimeHeaderChecks = _bench.Rules("m", "/^X-A:/ REPLACE X-Part: 1", "/^Content-Type: text.html/ REPLACE Content-Type: text/plain"),
            NestedHeaderChecks = _bench.Rules("n", "/^X-A:/ REPLACE X-Nested: 1"),
        };
        string text = _bench.Run(
            "X-A: 1\r\nContent-Type: multipart/mixed;\r\n boundary=\"b1\"\r\n\r\nX-A: body\r\n--b1\r\nContent-Type: text/html\r\nX-A: 2\r\n\r\n<p>\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\nX-A: 3\r\n\r\nX-A: text\r\n--b1--\r\nX-A: epilogue\r\n");
        Assert.StartsWith("X-Primary: 1\r\n", text, StringComparison.Ordinal);
        Assert.Contains("X-A: body\r\n--b1\r\nContent-Type: text/plain\r\nX-Part: 1\r\n\r\n<p>\r\n--b1\r\nContent-Type: message/rfc822\r\n\r\nX-Nested: 1\r\n\r\nX-A: text\r\n--b1--\r\nX-A: epilogue\r\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ContentProblems.EightBitHeader, "Subject: \u00e9\r\n\r\n", "5.6.0 improper use of 8-bit data in message header")]
    [InlineData(ContentProblems.EightBitBody, "Subject: x\r\n\r\n\u00e9\r\n", "5.6.0 improper use of 8-bit data in message body")]
    [InlineData(ContentProblems.EightBitBody, "Content-Transfer-Encoding: 8bit\r\n\r\n\u00e9\r\n", "")]
    [InlineData(ContentProblems.EncodingDomain, "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n", "5.6.0 invalid message/* or multipart/* encoding domain")]
    [InlineData(ContentProblems.EncodingDomain, "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n", "")]
    public void E23_strict_settings_refuse_what_is_against_MIME(ContentProblems refused, string message, string reason)
    {
        _bench.Config = new CleanupConfig { Refused = refused };
        _bench.Run(message);
        Assert.Equal(reason, _bench.Findings.Reason);
        Assert.Equal(reason.Length == 0 ? 0 : 1, _bench.Noted.Count(n => n.Action == "reject" && n.Context.StartsWith("mime-error ", StringComparison.Ordinal)));
    }

    [Fact]
    public void E21_MIME_nested_too_deeply_is_refused_where_headers_are_checked()
    {
        string message = "Content-Type: multipart/mixed; boundary=b0\r\n\r\n";
        for (int i = 1; i <= 200; i++)
            message += $"--b{i - 1}\r\nContent-Type: multipart/mixed; boundary=b{i}\r\n\r\n";
        _bench.Run(message);
        Assert.Equal(CleanupTrouble.None, _bench.Findings.Trouble);
        Check("X: 1\r\n" + message, "/nothing/ REJECT");
        Assert.Equal("5.6.0 MIME nesting exceeds safety limit", _bench.Findings.Reason);
    }

    [Fact]
    public void Characters_are_refused_or_stripped()
    {
        _bench.Config = new CleanupConfig { RejectedOctets = [7] };
        _bench.Run("Subject: x\r\n\r\nding\u0007\r\n");
        Assert.Equal("5.7.1 disallowed character", _bench.Findings.Reason);
        _bench.Config = new CleanupConfig { StrippedOctets = [7] };
        Assert.EndsWith("\r\n\r\nding\r\n", _bench.Run("Subject: x\r\n\r\nding\u0007\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_local_programs_message_goes_on_and_bounces()
    {
        _bench.Bounces = true;
        Assert.Contains("body\r\n", Check("Subject: x\r\n", "/^Subject/ REJECT"), StringComparison.Ordinal);
        Assert.Equal(CleanupTrouble.Content, _bench.Findings.Trouble);
    }

    private string Check(string header, params string[] rules)
    {
        _bench.Config = new CleanupConfig { HeaderChecks = _bench.Rules("r", rules) };
        return _bench.Run(header + "\r\nbody\r\n");
    }
}
