using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Config;

/// <summary>Whatever the bytes: reading ends, never throws, every place is inside the text, and a refusal always says why.</summary>
public sealed class ReaderPropertyTests
{
    private static readonly string[] s_words =
    [
        "listen", "on", "lo", "all", "socket", "port", "25", "tls", "smtps", "auth", "pki", "table", "t", "file:/x", "db:/x.db", "{", "}", "<t>", "<", ">", "=", "=>", ",", "!", "(",
        "action", "a", "mbox", "maildir", "lmtp", "mda", "relay", "host", "smtp://h", "tls+", "auth://l@h", "match", "from", "any", "for", "domain", "local", "src", "regex", "(", "rdns", "tag",
        "accept", "reject", "deliver", "to", "via", "backup", "as", "expire", "4d", "filter", "phase", "connect", "chain", "smtp", "limit", "queue", "ttl", "bounce", "warn-interval", "1h",
        "srs", "key", "mta", "mda", "inet4", "include", "\"x\"", "'", "\"", "\\", "\\\n", "\n", "\n", "\n", "#", "$m", "m", "m = \"x y\"\n", "\t", "\u0007", "é", "\u00a0", "log", "trace", "retry", "nameserver", "wrapper", "senders", "ca",
    ];

    private static bool Holds(byte[] bytes)
    {
        ConfigResult result = SmtpdConfReader.Read("x", new ReadOptions { Machine = new MachineInMemory().With("x", bytes).With("/x", "a b\n") });
        Assert.Equal(result.Config is null, result.HasErrors);
        foreach (Diagnostic finding in result.Diagnostics)
        {
            Assert.NotEmpty(finding.Message);
            if (finding.At.Line == 0)
                continue;
            SourceText source = result.Sources[finding.At.File];
            Assert.InRange(finding.At.Line, 1, source.LineCount);
            Assert.InRange(finding.At.Column, 1, source.Line(finding.At.Line).Length + 2);
            Assert.True(finding.At.Length >= 1);
        }
        Assert.NotNull(new DiagnosticPrinter(result.Sources, DiagnosticStyle.Colour).Print(result.Diagnostics));
        Assert.NotNull(DiagnosticPrinter.Json(result.Diagnostics));
        return true;
    }

    [Fact]
    public void Any_bytes() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => Holds(bytes)).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_words_of_the_language()
    {
        Gen<string> text = Gen.Elements(s_words).ListOf().Select(words => string.Join(' ', words));
        Check.One(global::FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(text.ToArbitrary(), t => Holds(Encoding.UTF8.GetBytes(t))));
    }

    [Fact]
    public void A_good_file_cut_anywhere()
    {
        const string Text = """
            table aliases { root = alice }
            m = "{ a.org, b.org }"
            filter "f" phase connect match src { 10.0.0.0/8 } reject "550 no"
            listen on lo port 2525 filter { "f" } tag "x"
            action "local" maildir "~/Mail" alias <aliases>
            action "out" relay host smtp+tls://l@h:587 auth { l = "u:p" } \
                tls no-verify
            match from any for domain $m action "local"
            match from local for any action "out"
            """;
        byte[] bytes = Encoding.UTF8.GetBytes(Text);
        for (int length = 0; length <= bytes.Length; length++)
            Holds(bytes[..length]);
    }
}
