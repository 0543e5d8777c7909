using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Programs that look closely at a server's TLS: posttls-finger at every level, openssl s_client, gnutls-cli.</summary>
public sealed class TlsHandshakeTests(Receiver receiver) : IClassFixture<Receiver>
{
    [Theory]
    [InlineData("may", "", "Untrusted TLS connection established")]
    [InlineData("encrypt", "", "Untrusted TLS connection established")]
    [InlineData("verify", "mx.test", "Verified TLS connection established")]
    [InlineData("secure", "mx.test", "Verified TLS connection established")]
    [InlineData("secure", "other.test", "num=62:hostname mismatch")]
    [InlineData("fingerprint", "FINGERPRINT", "Verified TLS connection established")]
    [InlineData("fingerprint", "AA:BB", "Untrusted TLS connection established")]
    public async Task Posttls_finger(string level, string match, string told)
    {
        string[] trust = level is "verify" or "secure" ? ["-F", receiver.Authority] : [];
        string[] names = match.Length == 0 ? [] : [match.Replace("FINGERPRINT", string.Join(':', receiver.Fingerprint.Chunk(2).Select(c => new string(c))), StringComparison.Ordinal)];
        CommandResult result = await Command.RunAsync("/usr/sbin/posttls-finger", ["-c", "-d", "sha256", "-l", level, .. trust, $"[127.0.0.1]:{receiver.Offered}", .. names]);
        string all = result.Output + result.Error;
        Assert.True(result.ExitCode == 0 && all.Contains(told, StringComparison.Ordinal), result + receiver.Daemon.Log);
        Assert.Contains("TLSv1.3 with cipher TLS_", all, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-tls1_2 -starttls smtp", "offered", true)]
    [InlineData("-tls1_3 -starttls smtp", "demanded", true)]
    [InlineData("-tls1_2", "implicit", true)]
    [InlineData("-tls1_3", "implicit", true)]
    [InlineData("-tls1_3 -verify_hostname other.test", "implicit", false)]
    [InlineData("-tls1_1 -cipher DEFAULT@SECLEVEL=0", "implicit", false)]
    [InlineData("-starttls smtp", "clear", false)]
    [InlineData("-tls1_2 -no_ticket -ign_eof -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "implicit", true)]
    public async Task Openssl(string how, string door, bool good)
    {
        string name = how.Contains("-verify_hostname", StringComparison.Ordinal) ? "" : "-verify_hostname mx.test";
        CommandResult result = await Command.ShellAsync(string.Create(CultureInfo.InvariantCulture,
            $"printf 'QUIT\\r\\n' | timeout 120 openssl s_client -connect 127.0.0.1:{receiver.Door(door)} -servername mx.test -CAfile {receiver.Authority} -verify_return_error {name} {how} -ign_eof"));
        string all = result.Output + result.Error;
        Assert.True((result.ExitCode == 0) == good, result + receiver.Daemon.Log);
        if (good)
            Assert.Contains("Verify return code: 0 (ok)", all, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NORMAL:-VERS-ALL:+VERS-TLS1.2", "--starttls-proto=smtp", "offered", true)]
    [InlineData("NORMAL:-VERS-ALL:+VERS-TLS1.3", "--starttls-proto=smtp", "demanded", true)]
    [InlineData("NORMAL:-VERS-ALL:+VERS-TLS1.2", "", "implicit", true)]
    [InlineData("NORMAL:-VERS-ALL:+VERS-TLS1.3", "", "implicit", true)]
    [InlineData("LEGACY:-VERS-ALL:+VERS-TLS1.1", "", "implicit", false)]
    public async Task Gnutls(string priority, string how, string door, bool good)
    {
        CommandResult result = await Command.ShellAsync(string.Create(CultureInfo.InvariantCulture,
            $"printf 'QUIT\\n' | timeout 120 gnutls-cli --crlf --priority {priority} --x509cafile {receiver.Authority} --verify-hostname=mx.test --sni-hostname=mx.test {how} -p {receiver.Door(door)} 127.0.0.1"));
        string all = result.Output + result.Error;
        Assert.True((result.ExitCode == 0) == good, result + receiver.Daemon.Log);
        if (good)
            Assert.Contains("The certificate is trusted", all, StringComparison.Ordinal);
    }
}
