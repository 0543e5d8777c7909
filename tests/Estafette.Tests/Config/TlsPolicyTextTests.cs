using Estafette.Config;
using Estafette.Config.Model;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Config;

/// <summary>Rows of a TLS policy table, and the words of our own grammar that say the same.</summary>
public sealed class TlsPolicyTextTests
{
    private const string Digest = "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89";

    [Theory]
    [InlineData("none", TlsLevel.None)]
    [InlineData("MAY", TlsLevel.May)]
    [InlineData("encrypt protocols=>=TLSv1.2 ciphers=high", TlsLevel.Encrypt)]
    [InlineData("verify\tmatch=hostname", TlsLevel.Verify)]
    [InlineData("secure match=.example.com:nexthop", TlsLevel.Secure)]
    [InlineData("fingerprint match=" + Digest + "|" + Digest, TlsLevel.Fingerprint)]
    public void Postfix_s_rows_are_read(string text, TlsLevel level)
    {
        (TlsPolicy? policy, string problem) = TlsPolicyText.Read(text);
        Assert.Equal(("", level), (problem, policy!.Level));
    }

    [Fact]
    public void Their_attributes_become_settings()
    {
        TlsPolicy secure = TlsPolicyText.Read("secure match=.Example.com:nexthop:mx.test tafile=/etc/ca.pem servername=sni.test protocols=TLSv1.3").Policy!;
        Assert.Equal([".example.com", "nexthop", "mx.test"], secure.Names.Select(n => n.ToString()));
        Assert.Equal(("/etc/ca.pem", "sni.test", TlsVersion.Tls13), (secure.TrustAnchor, secure.ServerName, secure.Settings.Minimum));
        Assert.Equal(Digest.Replace(":", "", StringComparison.Ordinal), Assert.Single(TlsPolicyText.Read("fingerprint match=" + Digest.ToLowerInvariant()).Policy!.Fingerprints));
    }

    [Theory]
    [InlineData("")]
    [InlineData("dane")]
    [InlineData("secure match=")]
    [InlineData("secure match=a::b")]
    [InlineData("fingerprint")]
    [InlineData("fingerprint match=AB:CD")]
    [InlineData("encrypt ciphers=null")]
    [InlineData("encrypt protocols=TLSv1.1")]
    [InlineData("encrypt exclude=AES")]
    [InlineData("verify nonsense")]
    public void What_is_not_understood_is_an_error_and_never_less_protection(string text)
    {
        (TlsPolicy? policy, string problem) = TlsPolicyText.Read(text);
        Assert.Null(policy);
        Assert.NotEqual("", problem);
    }

    [Fact]
    public void No_text_makes_it_throw() => Prop.ForAll<string?>(text => Assert.True(TlsPolicyText.Read(text ?? "") is { Policy: null } or { Problem: "" })).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("tls", TlsLevel.Verify)]
    [InlineData("tls no-verify", TlsLevel.Encrypt)]
    [InlineData("tls none", TlsLevel.None)]
    [InlineData("tls may", TlsLevel.May)]
    [InlineData("tls encrypt", TlsLevel.Encrypt)]
    [InlineData("tls verify", TlsLevel.Verify)]
    [InlineData("tls secure match { nexthop, .provider.test }", TlsLevel.Secure)]
    [InlineData("tls fingerprint { \"" + Digest + "\" }", TlsLevel.Fingerprint)]
    [InlineData("tls fingerprint \"" + Digest + "\" helo x.test", TlsLevel.Fingerprint)]
    [InlineData("", TlsLevel.May)]
    public void Our_grammar_names_the_levels(string words, TlsLevel level) => Assert.Equal(level, Relay("relay " + words).Tls.Level);

    [Fact]
    public void Our_grammar_names_table_versions_ciphers_and_server_name()
    {
        ActionConfig.Relay relay = Relay("relay tls-policy <policies> protocols \"tlsv1.3\" ciphers \"TLS_AES_256_GCM_SHA384\" no-tickets sni sni.test");
        Assert.Equal(("policies", TlsVersion.Tls13, "sni.test"), (relay.TlsTable, relay.Tls.Settings.Minimum, relay.Tls.ServerName));
        Assert.Contains("TLS_AES_256_GCM_SHA384", relay.Tls.Settings.CipherSuites);
        Assert.False(relay.Tls.Settings.Tickets);
        // What holds for the whole server holds for its relays too, as in the original.
        ActionConfig.Relay usual = Assert.IsType<ActionConfig.Relay>(Conf.Good(Text("relay") + "\nsmtp protocols \"tlsv1.3\"").Actions["r"]);
        Assert.Equal(TlsVersion.Tls13, usual.Tls.Settings.Minimum);
    }

    [Theory]
    [InlineData("relay auth <secrets> by host", CredentialKey.Host)]
    [InlineData("relay host smtp+tls://smart.test auth <secrets> by sender", CredentialKey.Sender)]
    [InlineData("relay host smtp+tls://lab@smart.test auth <secrets>", CredentialKey.Label)]
    public void Our_grammar_names_what_logins_go_by(string action, CredentialKey key) => Assert.Equal(new RelayCredentials("secrets") { Key = key }, Relay(action).Credentials);

    [Theory]
    [InlineData("relay tls fingerprint { \"AB:CD\" }", "is no SHA-256 digest", "-fingerprint -sha256")]
    [InlineData("relay tls secure match { \".\" }", "is no name", "dot-nexthop")]
    [InlineData("relay tls-policy { a.test = \"encrypted\" }", "the TLS policy of `a.test`", "secure match")]
    [InlineData("relay host smtp+tls://smart.test tls may", "contradicts a URL that demands TLS", "smtp://")]
    [InlineData("relay host smtp+notls://smart.test tls secure", "contradicts a URL without TLS", "smtp+tls://")]
    [InlineData("relay auth <secrets> by host tls none", "would send passwords", "remove `tls none`")]
    [InlineData("relay auth <secrets> by hosts", "not known here", "did you mean `host`?")]
    [InlineData("relay auth <secrets>", "needs a fixed host", "by host")]
    [InlineData("relay auth <secrets> by sender", "needs a fixed host", "by host")]
    [InlineData("relay protocols \"tlsv9\"", "is no TLS protocol", "tlsv1.2")]
    public void A_mistake_is_told_with_its_cure(string action, string message, string cure)
    {
        Diagnostic error = Conf.Read(Text(action)).Diagnostics.First(d => d.Severity == Severity.Error);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(cure, error.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void E9_a_password_for_whoever_answers_is_said_or_warned_of()
    {
        ConfigResult said = Conf.Read(Text("relay host smtp+tls://lab@smart.test auth <secrets> tls no-verify"));
        Assert.DoesNotContain(said.Diagnostics, d => d.Severity == Severity.Warning && d.Message.Contains("password", StringComparison.Ordinal) && d.Message.Contains("whoever", StringComparison.Ordinal));
        Assert.Equal(PasswordNeeds.Tls, ((ActionConfig.Relay)said.Config!.Actions["r"]).Credentials!.Password);
        Assert.Contains(Conf.Read(Text("relay host smtp+tls://lab@smart.test auth <secrets> tls encrypt")).Diagnostics, d => d.Message.Contains("whoever answers", StringComparison.Ordinal));
        Assert.Equal(PasswordNeeds.VerifiedTls, Relay("relay host smtp+tls://lab@smart.test auth <secrets> tls secure").Credentials!.Password);
    }

    private static ActionConfig.Relay Relay(string action) => Assert.IsType<ActionConfig.Relay>(Conf.Good(Text(action)).Actions["r"]);

    private static string Text(string action) => $$"""
        listen on lo
        table secrets { lab = "user:pass" }
        table policies { example.org = "secure" }
        action r {{action}}
        match for any action r
        """;
}
