using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtpd.Cleanup;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Smtpd.Cleanup;

public sealed class MessageCleanupTests
{
    private const string Added = "Message-Id: <20261121010203.0123456789ABCDEF@mx.test>\r\nDate: Sat, 21 Nov 2026 01:02:03 +0000 (UTC)\r\nFrom: a@client.test\r\n";

    private readonly CleanupBench _bench = new();

    [Fact]
    public void A_strangers_header_stays_as_it_came_but_for_the_dropped_fields()
    {
        Assert.Equal(
            "Subject: from a stranger\r\nTo: bob\r\nX-Odd:no blank\r\n folded\r\n\tagain\r\n\r\nbody\r\n",
            _bench.Run("Subject: from a stranger\r\nBcc: hidden@client.test\r\nReturn-Path: <x@y>\r\nContent-Length: 12\r\nTo: bob\r\nX-Odd:no blank\r\n folded\r\n\tagain\r\n\r\nbody\r\n"));
        Assert.Equal("", _bench.MessageId);
    }

    [Fact]
    public void A_local_clients_header_is_completed_behind_its_fields_and_rewritten()
    {
        _bench.Context = HeaderContext.Local;
        Assert.Equal(
            "Subject: from a local client\r\nTo: bob@mx.test, undisclosed-recipients: ;\r\n" + Added + "\r\nbody\r\n",
            _bench.Run("Subject: from a local client\r\nTo: bob, undisclosed-recipients:;\r\n\r\nbody\r\n"));
        Assert.Equal("<20261121010203.0123456789ABCDEF@mx.test>", _bench.MessageId);
    }

    [Fact]
    public void Always_add_missing_headers_is_for_strangers_too()
    {
        _bench.Config = new CleanupConfig { AlwaysCompletes = true, UndisclosedRecipients = "To: undisclosed-recipients:;" };
        Assert.Equal("Subject: x\r\n" + Added + "To: undisclosed-recipients:;\r\n\r\n", _bench.Run("Subject: x\r\n\r\n"));
    }

    [Theory]
    [InlineData("Alice Martin", false, "From: Alice Martin <a@client.test>\r\n")]
    [InlineData("Martin, Alice", false, "From: \"Martin, Alice\" <a@client.test>\r\n")]
    [InlineData("Alice (the) M", true, "From: a@client.test (Alice (the) M)\r\n")]
    [InlineData("Alice) M(", true, "From: a@client.test (Alice\\) M\\()\r\n")]
    public void E29_the_full_name_goes_into_a_missing_From(string name, bool behind, string expected)
    {
        _bench.Context = HeaderContext.Local;
        _bench.FullName = name;
        _bench.Config = new CleanupConfig { NameBehindAddress = behind };
        Assert.Contains(expected, _bench.Run("Subject: x\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_resent_message_gets_the_resent_fields()
    {
        _bench.Context = HeaderContext.Local;
        string text = _bench.Run("Resent-To: bob@x.test\r\nFrom: c@d\r\nDate: then\r\nMessage-Id: <1@2>\r\n\r\n");
        Assert.Contains("Resent-Message-Id: <20261121", text, StringComparison.Ordinal);
        Assert.Contains("Resent-Date: Sat, 21 Nov", text, StringComparison.Ordinal);
        Assert.Contains("Resent-From: a@client.test\r\n", text, StringComparison.Ordinal);
        Assert.Equal("<1@2>", _bench.MessageId);
    }

    [Fact]
    public void V3_a_message_without_header_gets_the_empty_line_that_ends_ours()
    {
        Assert.Equal("\r\nHello, World!\r\n", _bench.Run("Hello, World!\r\n"));
        Assert.Equal("\r\n indented\r\n", _bench.Run(" indented\r\n"));
        Assert.Equal("X-Mailbox-Line: From alice Sat Nov 21\r\nSubject: x\r\n\r\nbody\r\n", _bench.Run("From alice Sat Nov 21\r\nSubject: x\r\n\r\nbody\r\n"));
        Assert.Equal("\r\n\r\nno header at all\r\n", _bench.Run("\r\n\r\nno header at all\r\n"));
    }

    [Fact]
    public void A_field_beyond_header_size_limit_is_cut_and_the_next_one_is_whole()
    {
        _bench.Config = new CleanupConfig { FieldSize = 300, LineLength = 512 };
        string[] lines = _bench.Run("X-Long: " + new string('y', 700) + "\r\nX-After: still here\r\n\r\nbody\r\n").Split("\r\n");
        Assert.Equal("X-Long: " + new string('y', 292), lines[0]);
        Assert.Equal("X-After: still here", lines[1]);
        string folded = _bench.Run("X-Long: a\r\n" + string.Concat(Enumerable.Repeat(" 0123456789\r\n", 40)) + "\r\nbody\r\n");
        Assert.EndsWith(" 0123456789\r\n\r\nbody\r\n", folded, StringComparison.Ordinal);
        Assert.InRange(folded.Length, 270, 340);
    }

    [Fact]
    public void E31_too_many_Received_fields_are_a_loop()
    {
        _bench.Config = new CleanupConfig { Hops = 3 };
        _bench.Run("Received: 1\r\n\r\n");
        Assert.Equal(CleanupTrouble.None, _bench.Findings.Trouble);
        _bench.Run("Received: 1\r\nReceived: 2\r\n\r\n");
        Assert.Equal((CleanupTrouble.Hops, "5.4.0 too many hops"), (_bench.Findings.Trouble, _bench.Findings.Reason));
    }

    [Fact]
    public void Blanks_before_the_colon_go()
    {
        _bench.Context = HeaderContext.Local;
        Assert.StartsWith("To: a@b.test\r\n", _bench.Run("To \t: a@b.test\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void E44_a_table_that_cannot_be_asked_defers()
    {
        _bench.Config = new CleanupConfig { HeaderChecks = _bench.Broken() };
        _bench.Run("Subject: x\r\n\r\n");
        Assert.Equal(CleanupTrouble.Unavailable, _bench.Findings.Trouble);
    }

    [Fact]
    public void The_result_is_the_same_for_every_split()
    {
        Gen<string> line = Gen.Elements(
            "Subject: x", " folded", "\tfolded too", "To: bob, \"A, B\" <c@d>", "Content-Type: multipart/mixed; boundary=b", "Content-Type: message/rfc822", "--b", "--b--", "", "", "no field here", "From me",
            "X: " + new string('y', 900), "drop: me", "Received: x", "r\u00e9sum\u00e9", ".", "Resent-To: x");
        Prop.ForAll(line.ListOf().ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), Gen.Elements(true, false).ToArbitrary(), (lines, piece, checks) =>
        {
            string message = string.Concat(lines.Select(l => l + "\r\n"));
            var bench = new CleanupBench { Context = checks ? HeaderContext.Local : HeaderContext.None };
            ImmutableArray<string> rules = bench.Rules("r", "/^drop/ IGNORE", "/^folded/ REPLACE X-Changed: yes", "/field/ PREPEND X-Before: 1");
            bench.Config = checks ? new CleanupConfig { HeaderChecks = rules, MimeHeaderChecks = rules, NestedHeaderChecks = rules, BodyChecks = rules, LineLength = 512, FieldSize = 600 } : new CleanupConfig { LineLength = 512 };
            string whole = bench.Run(message);
            Assert.Equal(whole, bench.Run(message, piece));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Nothing_but_what_is_promised_changes()
    {
        Gen<string> line = Gen.Elements("Subject: x", " folded", "X-A:b", "", "", "body text", "--b", "To: bob, <a@b> , \"x\" (c) <d@e>", "Content-Type: multipart/mixed; boundary=b", "\u00e9", "0123456789");
        Prop.ForAll(line.ListOf().ToArbitrary(), lines =>
        {
            // A field first, so that the header is one; then a stranger's message passes as it is.
            string message = "X-First: 1\r\n" + string.Concat(lines.Select(l => l + "\r\n"));
            string result = new CleanupBench().Run(message);
            int body = FirstOther(message);
            Assert.Equal(body < 0 ? message : message[..body] + "\r\n" + message[body..], result);
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Where the header ends with a line that is no field, without an empty one; -1 where it does not.</summary>
    private static int FirstOther(string message)
    {
        int at = 0;
        foreach (string line in message.Split("\r\n")[..^1])
        {
            if (line.Length == 0)
                return -1;
            if (!line.StartsWith(' ') && FieldTable.NameLength(System.Text.Encoding.Latin1.GetBytes(line)) == 0)
                return at;
            at += line.Length + 2;
        }
        return -1;
    }
}
