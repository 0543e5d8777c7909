using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Config;

public sealed class TlsWordsTests
{
    private const string Rule = "\naction \"a\" mbox\nmatch for local action \"a\"\n";
    private const string Pki = "pki mx.example.org cert \"/etc/ssl/mail.crt\"\npki mx.example.org key \"/etc/ssl/mail.key\"\n";

    private static MachineInMemory Machine => new MachineInMemory().With("/etc/ssl/mail.crt", "c").With("/etc/ssl/mail.key", "k", "600");

    private static string[] Tls12(string words) => [.. Good(words).CipherSuites.Select(n => CipherSuites.Find(n)!).Where(s => !s.IsTls13).Select(s => s.OpenSslName)];

    private static string[] Tls13(string words) => [.. Good(words).CipherSuites.Where(n => CipherSuites.Find(n)!.IsTls13)];

    private static TlsSettings Good(string words)
    {
        TlsWordsResult result = TlsWords.Ciphers(words, TlsSettings.Default);
        Assert.Null(result.Error);
        Assert.Empty(result.Warnings);
        return result.Settings;
    }

    [Theory]
    [InlineData("secure", TlsVersion.Tls12, TlsVersion.Tls13)]
    [InlineData("all", TlsVersion.Tls12, TlsVersion.Tls13)]
    [InlineData("TLSv1.3", TlsVersion.Tls13, TlsVersion.Tls13)]
    [InlineData("tlsv1.2", TlsVersion.Tls12, TlsVersion.Tls12)]
    [InlineData("tlsv1.2,tlsv1.3", TlsVersion.Tls12, TlsVersion.Tls13)]
    [InlineData("tlsv1.2:tlsv1.3", TlsVersion.Tls12, TlsVersion.Tls13)]
    [InlineData("!tlsv1.2", TlsVersion.Tls13, TlsVersion.Tls13)]
    [InlineData("all:!tlsv1.3", TlsVersion.Tls12, TlsVersion.Tls12)]
    [InlineData(">=tlsv1.2", TlsVersion.Tls12, TlsVersion.Tls13)]
    public void E53_protocols_are_chosen_by_the_words_of_libtls(string words, TlsVersion minimum, TlsVersion maximum)
    {
        TlsWordsResult result = TlsWords.Protocols(words, TlsSettings.Default);
        Assert.Null(result.Error);
        Assert.Empty(result.Warnings);
        Assert.Equal((minimum, maximum), (result.Settings.Minimum, result.Settings.Maximum));
    }

    [Theory]
    [InlineData("tlsv1.0:tlsv1.2")]
    [InlineData("legacy")]
    [InlineData("tlsv1.1,tlsv1.2,tlsv1.3")]
    public void Old_protocols_are_warned_of_and_not_spoken(string words)
    {
        TlsWordsResult result = TlsWords.Protocols(words, TlsSettings.Default);
        Assert.Null(result.Error);
        Assert.Contains("are not spoken (RFC 8996)", Assert.Single(result.Warnings), StringComparison.Ordinal);
        Assert.Equal(TlsVersion.Tls12, result.Settings.Minimum);
    }

    [Theory]
    [InlineData("tlsv1.1", "TLS 1.0 and 1.1 are not spoken, and nothing else is asked for", "tlsv1.2:tlsv1.3")]
    [InlineData("tlsv1.2:!tlsv1.2", "no TLS protocol is left", "tlsv1.2:tlsv1.3")]
    [InlineData("tlsv13", "`tlsv13` is no TLS protocol", "did you mean `tlsv1.3`?")]
    public void Protocols_that_leave_nothing_are_an_error(string words, string error, string cure)
    {
        TlsWordsResult result = TlsWords.Protocols(words, TlsSettings.Default);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
        Assert.Contains(cure, result.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void Ciphers_go_by_both_of_their_names_and_keep_their_order()
    {
        string[] both = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"];
        Assert.Equal(both, Tls12("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"));
        Assert.Equal(both, Tls12("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,ecdhe-rsa-aes256-gcm-sha384"));
    }

    [Fact]
    public void A_list_that_names_none_of_TLS_1_3_leaves_TLS_1_3_alone()
    {
        Assert.Equal(["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"], Tls13("ECDHE-RSA-AES256-GCM-SHA384"));
        Assert.Equal(["TLS_AES_128_GCM_SHA256"], Tls13("TLS_AES_128_GCM_SHA256"));
        Assert.Equal(["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"], Tls13("HIGH:!TLS_CHACHA20_POLY1305_SHA256"));
        Assert.NotEmpty(Tls12("TLS_AES_128_GCM_SHA256"));
    }

    [Fact]
    public void Group_words_mean_what_they_mean_in_OpenSSL()
    {
        Assert.All(Tls12("HIGH:!aNULL:!kRSA:!SHA1"), name => Assert.False(name.StartsWith("AES", StringComparison.Ordinal) || name.EndsWith("-SHA", StringComparison.Ordinal), name));
        Assert.Equal(["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"], Tls12("ECDHE+AESGCM"));
        Assert.All(Tls12("secure"), name => Assert.True(name.Contains("GCM", StringComparison.Ordinal) || name.Contains("POLY1305", StringComparison.Ordinal), name));
        Assert.Equal("AES128-SHA", Tls12("HIGH:+kRSA")[^1]);
        Assert.DoesNotContain(Tls12("!ECDHE"), name => name.StartsWith("ECDHE", StringComparison.Ordinal));
        // `!` is for good, `-` until the word comes again.
        Assert.Equal(["ECDHE-RSA-AES128-GCM-SHA256"], Tls12("ECDHE-RSA-AES128-GCM-SHA256:!CHACHA20:ECDHE-RSA-CHACHA20-POLY1305"));
        Assert.Equal(2, Tls12("ECDHE-RSA-AES128-GCM-SHA256:-CHACHA20:ECDHE-RSA-CHACHA20-POLY1305").Length);
        Assert.Empty(Good("default").CipherSuites);
    }

    [Theory]
    [InlineData("HIGH:@SECLEVEL=0", "`@SECLEVEL=0` is not honoured")]
    [InlineData("HIGH:MEDIUM", "`MEDIUM`: these ciphers are not spoken, they are not safe")]
    [InlineData("ECDHE-RSA-AES128-SHA:DES-CBC3-SHA", "`DES-CBC3-SHA`: these ciphers are not spoken")]
    public void What_cannot_be_honoured_is_a_warning(string words, string warning)
    {
        TlsWordsResult result = TlsWords.Ciphers(words, TlsSettings.Default);
        Assert.Null(result.Error);
        Assert.Contains(warning, Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RC4-MD5", "no cipher is left", "write \"secure\"")]
    [InlineData("ECDHE-RSA-AES256-GCM-SHA348", "is no cipher", "did you mean `ECDHE-RSA-AES256-GCM-SHA384`?")]
    [InlineData("HIHG", "is no cipher", "did you mean `HIGH`?")]
    [InlineData("", "the list of ciphers is empty", "write \"secure\"")]
    public void Ciphers_that_make_no_sense_are_an_error(string words, string error, string cure)
    {
        TlsWordsResult result = TlsWords.Ciphers(words, TlsSettings.Default);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
        Assert.Contains(cure, result.Cure, StringComparison.Ordinal);
        Assert.Equal(TlsSettings.Default, result.Settings);
    }

    [Fact]
    public void No_list_makes_the_reader_throw_and_every_suite_it_gives_can_be_spoken()
    {
        string[] parts = ["HIGH", "!", "-", "+", "@", ":", ",", " ", "ECDHE", "RSA", "secure", "tlsv1.2", "tlsv1.3", "all", "aNULL", "-AES", "\u00e4", "TLS_AES_128_GCM_SHA256", "=", ">"];
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), octets =>
        {
            string words = string.Concat(octets.Select(o => parts[o % parts.Length]));
            TlsWordsResult ciphers = TlsWords.Ciphers(words, TlsSettings.Default);
            TlsWordsResult protocols = TlsWords.Protocols(words, TlsSettings.Default);
            return ciphers.Settings.CipherSuites.All(n => CipherSuites.Find(n) is not null) && protocols.Settings.Minimum <= protocols.Settings.Maximum;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void The_server_sets_what_a_listener_may_say_otherwise_wherever_it_stands()
    {
        MailConfig config = Conf.Good(Pki + "listen on 192.0.2.7 tls\nlisten on 192.0.2.7 port 465 smtps protocols \"tlsv1.3\" ciphers \"default\" no-tickets\nsmtp ciphers \"ECDHE-ECDSA-AES128-GCM-SHA256\"\nsmtp protocols \"tlsv1.2\"" + Rule, Machine);
        TlsSettings first = config.Listeners[0].TlsSettings;
        Assert.Contains("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", first.CipherSuites);
        Assert.Equal((TlsVersion.Tls12, TlsVersion.Tls12, true), (first.Minimum, first.Maximum, first.Tickets));
        TlsSettings second = config.Listeners[1].TlsSettings;
        Assert.Equal((TlsVersion.Tls13, TlsVersion.Tls13, false, 0), (second.Minimum, second.Maximum, second.Tickets, second.CipherSuites.Length));
        MailConfig old = Conf.Good(Pki.Replace("cert", "certificate", StringComparison.Ordinal) + "listen on 192.0.2.7 smtps\nciphers \"ECDHE-RSA-AES256-GCM-SHA384\"\naccept for local deliver to mbox\n", Machine);
        Assert.Contains("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Assert.Single(old.Listeners).TlsSettings.CipherSuites);
    }

    [Theory]
    [InlineData("listen on lo tls ciphers \"HIHG\"", "3:26: error: `HIHG` is no cipher")]
    [InlineData("smtp protocols \"tlsv9\"", "3:16: error: `tlsv9` is no TLS protocol")]
    [InlineData("listen on lo no-tickets", "this is about TLS, and the line has none")]
    [InlineData("listen on lo tls verify", "a client without a certificate would come in without TLS instead")]
    public void A_slip_is_told_with_its_place(string line, string message) =>
        Assert.Contains(message, Conf.Findings(Pki + line + Rule, Machine), StringComparison.Ordinal);

    [Fact]
    public void Verify_asks_for_certificates_or_demands_them()
    {
        const string Ca = "ca partners cert \"/etc/ssl/ca.pem\"\n";
        MachineInMemory machine = Machine.With("/etc/ssl/ca.pem", "c");
        ImmutableArray<ListenerConfig> listeners = Conf.Good(Pki + Ca + """
            listen on 192.0.2.7 tls verify optional
            listen on 192.0.2.7 port 465 smtps verify ca partners
            listen on 192.0.2.7 port 587 tls-require verify
            listen on 192.0.2.7 port 2525 tls
            """ + Rule, machine).Listeners;
        Assert.Equal([ClientCertificateDemand.Ask, ClientCertificateDemand.Require, ClientCertificateDemand.Require, ClientCertificateDemand.None], listeners.Select(l => l.ClientCertificate));
        Assert.Equal(["partners"], listeners[1].ClientAnchors.AsEnumerable());
        Assert.Contains("`ca` on a listener is for certificates of clients, and none is asked for", Conf.Findings(Pki + Ca + "listen on lo tls ca partners" + Rule, machine), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_look_at_certificates_by_fingerprint_and_by_anchor()
    {
        string digits = new('a', 64);
        string pairs = string.Join(':', Enumerable.Repeat("AB", 32));
        MachineInMemory machine = Machine.With("/etc/ssl/ca.pem", "c").With("/etc/pins", digits + "\n");
        const string Head = Pki + "ca partners cert \"/etc/ssl/ca.pem\"\nlisten on 192.0.2.7 tls verify optional ca partners\naction \"out\" relay\naction \"a\" mbox\ntable pins file:/etc/pins\n";
        MailConfig config = Conf.Good(Head + $$"""
            match from any tls cert { {{digits}}, "{{pairs}}" } for any action "out"
            match from any ! tls cert <pins> for domain "example.org" action "a"
            match from any tls ca Partners for any action "out"
            match from any tls tls ca partners for local action "a"
            """ + "\n", machine);
        Assert.Equal([CriterionKind.TlsCertificate, CriterionKind.TlsCertificate, CriterionKind.TlsAnchor, CriterionKind.TlsAnchor],
            config.Rules.Select(r => r.Criteria.First(c => c.Kind is CriterionKind.TlsCertificate or CriterionKind.TlsAnchor).Kind));
        Assert.True(config.Rules[1].Criteria.Single(c => c.Kind == CriterionKind.TlsCertificate).Negated);
        Assert.Contains("`abc` is no SHA-256 fingerprint", Conf.Findings(Head + "match tls cert abc for local action \"a\"\n", machine), StringComparison.Ordinal);
        Assert.Contains("there is no `ca partner`", Conf.Findings(Head + "match tls ca partner for local action \"a\"\n", machine), StringComparison.Ordinal);
        Assert.Contains("did you mean `partners`?", Conf.Findings(Head + "match tls ca partner for local action \"a\"\n", machine), StringComparison.Ordinal);
        Assert.Contains("no SHA-256 fingerprint", Conf.Findings(Head + "match tls cert <pins> for local action \"a\"\n", machine.With("/etc/pins", pairs)), StringComparison.Ordinal);
        Assert.Contains("this rule makes an open relay", Conf.Findings(Head + "match from any ! tls cert <pins> for any action \"out\"\n", machine.With("/etc/pins", digits)), StringComparison.Ordinal);
        Assert.Contains("no listener asks for any", Conf.Findings(Pki + "listen on lo tls\naction \"a\" mbox\nmatch tls cert " + digits + " for local action \"a\"\n", machine), StringComparison.Ordinal);
        Assert.Contains("no listener verifies certificates by `ca other`",
            Conf.Findings(Head + "ca other cert \"/etc/ssl/ca.pem\"\nmatch tls ca other for local action \"a\"\n", machine), StringComparison.Ordinal);
    }
}
