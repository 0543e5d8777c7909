using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Operation;

/// <summary>Certificates in an administrator's life: none at all, several for one address, near their end, or wrong; told by the log and by <c>estafette check</c>.</summary>
public sealed class CertificateTests
{
    private const string Rules = """

        action "in" discard
        match from any for any action "in"
        """;

    [Fact]
    public async Task A_first_start_without_a_certificate_makes_one_and_offers_STARTTLS()
    {
        await using Daemon daemon = await Daemon.StartAsync("pki mx.test self-signed\nlisten on 127.0.0.1 port @PORT@ tls hostname mx.test" + Rules);
        string file = daemon.State + "/certs/mx.test.pem";
        Assert.Contains("a self-signed certificate for", daemon.Log, StringComparison.Ordinal);
        Assert.Contains(file, daemon.Log, StringComparison.Ordinal);
        CommandResult mode = await Command.ShellAsync($"stat -c %a '{file}'; openssl x509 -in '{file}' -noout -ext subjectAltName,extendedKeyUsage; openssl x509 -in '{file}' -out '{daemon.Folder["own.pem"]}'");
        Assert.StartsWith("600\n", mode.Output, StringComparison.Ordinal);
        Assert.Contains("DNS:mx.test", mode.Output, StringComparison.Ordinal);
        Assert.Contains("TLS Web Server Authentication", mode.Output, StringComparison.Ordinal);
        Assert.Contains("Verification: OK", await HandshakeAsync(daemon.Port, $"-starttls smtp -CAfile {daemon.Folder["own.pem"]} -verify_hostname mx.test"), StringComparison.Ordinal);
        // The next start keeps it: clients may have noted it.
        string first = await File.ReadAllTextAsync(daemon.Folder["own.pem"]);
        Assert.Equal(0, await daemon.Running!.TerminateAsync());
        await daemon.StartAgainAsync();
        await Command.ShellAsync($"openssl x509 -in '{file}' -out '{daemon.Folder["own.pem"]}'");
        Assert.Equal(first, await File.ReadAllTextAsync(daemon.Folder["own.pem"]));
    }

    [Fact]
    public async Task One_address_shows_the_certificate_of_the_name_that_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        using var authority = new TestAuthority(folder);
        authority.Issue("one", "mx.one.test");
        authority.Issue("two", "*.two.test");
        await using Daemon daemon = await Daemon.StartAsync($$"""
            pki one cert "{{folder["one.pem"]}}"
            pki one key "{{folder["one.key"]}}"
            pki two cert "{{folder["two.pem"]}}"
            pki two key "{{folder["two.key"]}}"
            listen on 127.0.0.1 port @PORT@ tls pki one pki two
            """ + Rules);
        foreach ((string name, string shown) in ((string, string)[])[("mx.one.test", "mx.one.test"), ("a.two.test", "*.two.test"), ("unknown.test", "mx.one.test")])
        {
            string seen = await HandshakeAsync(daemon.Port, $"-starttls smtp -CAfile {authority.File} -servername {name}");
            Assert.Contains($"subject=CN = {shown}\n", seen, StringComparison.Ordinal);
            Assert.Contains("Verification: OK", seen, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task E53_protocols_ciphers_and_tickets_are_as_the_listener_says()
    {
        int plain = Ports.Free();
        int strict = Ports.Free();
        await using Daemon daemon = await Daemon.StartAsync($$"""
            pki * self-signed
            listen on 127.0.0.1 port @PORT@ tls protocols "tlsv1.3"
            listen on 127.0.0.1 port {{plain}} smtps
            listen on 127.0.0.1 port {{strict}} smtps protocols "tlsv1.2" ciphers "ECDHE+CHACHA20" no-tickets
            """ + Rules);
        Assert.Contains("New, TLSv1.3", await HandshakeAsync(daemon.Port, "-starttls smtp"), StringComparison.Ordinal);
        Assert.Contains("New, (NONE)", await HandshakeAsync(daemon.Port, "-starttls smtp -tls1_2"), StringComparison.Ordinal);
        Assert.Contains("New, (NONE)", await HandshakeAsync(plain, "-tls1_1 -cipher ALL:@SECLEVEL=0"), StringComparison.Ordinal);
        Assert.Contains("Cipher is ECDHE-ECDSA-CHACHA20-POLY1305", await HandshakeAsync(strict, ""), StringComparison.Ordinal);
        Assert.Contains("Reused, TLSv1.2", await HandshakeAsync(plain, "-tls1_2 -reconnect"), StringComparison.Ordinal);
        string without = await HandshakeAsync(strict, "-tls1_2 -reconnect");
        Assert.DoesNotContain("Reused", without, StringComparison.Ordinal);
        Assert.DoesNotContain("session ticket:", without, StringComparison.Ordinal);
        await Wait.UntilAsync(() => daemon.Log.Split("the client speaks only versions of TLS that are not spoken here").Length == 3, "both refusals are told\n" + daemon.Log);
    }

    [Fact]
    public async Task A_renegotiation_is_refused_and_costs_one_session()
    {
        await using Daemon daemon = await Daemon.StartAsync("pki * self-signed\nlisten on 127.0.0.1 port @PORT@ tls" + Rules);
        // `R` at the start of what it reads makes openssl ask for a new handshake: on a busy machine it must be given more time to read what comes before.
        string all = "";
        foreach (int pause in (int[])[1, 5, 15])
        {
            CommandResult result = await Command.ShellAsync(string.Create(CultureInfo.InvariantCulture,
                $"(printf 'EHLO client.test\\r\\n'; sleep {pause}; printf 'R\\n'; sleep {pause}; printf 'NOOP\\r\\n'; sleep {pause}) | timeout 120 openssl s_client -connect 127.0.0.1:{daemon.Port} -starttls smtp -tls1_2 -crlf"));
            all = result.Output + result.Error;
            if (all.Contains("RENEGOTIATING", StringComparison.Ordinal))
                break;
        }
        Assert.Contains("RENEGOTIATING", all, StringComparison.Ordinal);
        Assert.True(all.Contains("no renegotiation", StringComparison.Ordinal) || all.Contains("SSL_ERROR", StringComparison.OrdinalIgnoreCase) || all.Contains("unexpected eof", StringComparison.Ordinal) || all.Contains(":error:", StringComparison.Ordinal), all);
        Assert.DoesNotContain("ended by a fault", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("New, TLSv1.3", await HandshakeAsync(daemon.Port, "-starttls smtp"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_and_start_tell_certificates_near_their_end_and_keys_of_others()
    {
        using var folder = new TemporaryFolder();
        using var authority = new TestAuthority(folder);
        authority.Issue("soon", "mx.test", days: 5);
        authority.Issue("other", "other.test");
        string Text(string key) => $$"""
            pki mx.test cert "{{folder["soon.pem"]}}"
            pki mx.test key "{{folder[key]}}"
            listen on 127.0.0.1 port @PORT@ tls
            """ + Rules;
        await using Daemon daemon = await Daemon.StartAsync(Text("soon.key"));
        await Wait.UntilAsync(() => daemon.Log.Contains("expires on", StringComparison.Ordinal), "the end is told\n" + daemon.Log);
        string config = daemon.Environment["ESTAFETTE_CONFIG"];
        CommandResult soon = await daemon.ToolAsync("estafette", ["check", "--config", config]);
        Assert.Equal(0, soon.ExitCode);
        Assert.Contains($"warning: pki mx.test: the certificate ({folder["soon.pem"]}) expires on ", soon.Error, StringComparison.Ordinal);
        Assert.Contains(", in 4 days", soon.Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(config, Text("other.key").Replace("@PORT@", "2525", StringComparison.Ordinal));
        CommandResult wrong = await daemon.ToolAsync("estafette", ["check", "--config", config]);
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("pki mx.test: the key does not belong to the certificate", wrong.Error, StringComparison.Ordinal);
    }

    private static async Task<string> HandshakeAsync(int port, string how)
    {
        CommandResult result = await Command.ShellAsync(string.Create(CultureInfo.InvariantCulture, $"timeout 120 openssl s_client -connect 127.0.0.1:{port} {how} </dev/null"));
        return result.Output + result.Error;
    }
}
