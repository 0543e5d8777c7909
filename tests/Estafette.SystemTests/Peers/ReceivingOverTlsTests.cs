using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Debian's mail clients log in over TLS, in each way they can, against the whole daemon; and fail where they must.</summary>
public sealed class ReceivingOverTlsTests(Receiver receiver) : IClassFixture<Receiver>
{
    private readonly string _mark = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("--tls --auth PLAIN", "offered", 0)]
    [InlineData("--tls --auth LOGIN", "offered", 0)]
    [InlineData("--tls --auth", "demanded", 0)]
    [InlineData("--tls --auth PLAIN --pipeline", "demanded", 0)]
    [InlineData("--tlso --auth LOGIN", "demanded", 0)]
    [InlineData("--tlsos --auth PLAIN", "offered", 0)]
    [InlineData("--tlsc --auth PLAIN", "implicit", 0)]
    [InlineData("--tlsc --auth LOGIN", "implicit", 0)]
    [InlineData("--tls --tls-protocol tlsv1_2 --auth PLAIN", "demanded", 0)]
    [InlineData("--tls --auth-optional CRAM-MD5", "demanded", 23)]
    [InlineData("--tls --auth CRAM-MD5,DIGEST-MD5,NTLM", "demanded", 28)]
    [InlineData("--auth PLAIN", "offered", 28)]
    [InlineData("--tls --auth PLAIN", "clear", 29)]
    [InlineData("--tlso --auth PLAIN", "clear", 28)]
    [InlineData("--tls --tls-protocol tlsv1_1 --auth PLAIN", "demanded", 29)]
    [InlineData("--protocol SMTP", "demanded", 23)]
    public async Task Swaks(string how, string door, int exit)
    {
        string login = how.Contains("--auth", StringComparison.Ordinal) ? $" --auth-user {receiver.Login} --auth-password {receiver.Password}" : "";
        CommandResult result = await SwaksAsync(how + login, door);
        Assert.True(result.ExitCode == exit, result + receiver.Daemon.Log);
        if (exit == 0)
            Assert.Contains(how.Contains("tlsv1_2", StringComparison.Ordinal) ? "TLSv1.2" : "TLSv1.3", Received(await receiver.PassesAsync(_mark)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task Swaks_with_a_wrong_password_or_login_hears_the_same(string mechanism)
    {
        CommandResult[] refused = [
            await SwaksAsync($"--tls --auth {mechanism} --auth-user {receiver.Login} --auth-password {Secrets.Password()}", "demanded"),
            await SwaksAsync($"--tls --auth {mechanism} --auth-user {Secrets.Login()} --auth-password {receiver.Password}", "demanded"),
        ];
        Assert.All(refused, r => Assert.Equal(28, r.ExitCode));
        Assert.Single(refused.Select(r => r.Output.Split('\n').First(l => l.Contains(" 535 ", StringComparison.Ordinal))).Distinct());
    }

    [Theory]
    [InlineData("", 6)]
    [InlineData("--tls-cert client.pem --tls-key client.key", 0)]
    [InlineData("--tls-cert stranger.pem --tls-key stranger.key", 6)]
    public async Task Swaks_shows_a_client_certificate_where_one_is_demanded(string how, int exit)
    {
        // 6: the server closes when it has seen what the handshake brought.
        CommandResult result = await SwaksAsync("--tls --tls-protocol tlsv1_2 " + how.Replace("client.", receiver.Folder["client."], StringComparison.Ordinal).Replace("stranger.", receiver.Folder["stranger."], StringComparison.Ordinal), "certified");
        Assert.True(result.ExitCode == exit, result + receiver.Daemon.Log);
    }

    [Theory]
    [InlineData("plain", "demanded", "tls_trust_file authority", 0)]
    [InlineData("login", "offered", "tls_trust_file authority", 0)]
    [InlineData("plain", "implicit", "tls_starttls off\ntls_trust_file authority", 0)]
    [InlineData("login", "implicit", "tls_starttls off\ntls_fingerprint fingerprint", 0)]
    [InlineData("plain", "demanded", "tls_trust_file other", 69)]
    [InlineData("plain", "clear", "tls_trust_file authority", 69)]
    [InlineData("scram-sha-1", "demanded", "tls_trust_file authority", 69)]
    public async Task Msmtp(string mechanism, string door, string tls, int exit)
    {
        string file = receiver.Folder.Write("msmtprc", $"""
            account default
            host 127.0.0.1
            port {receiver.Door(door)}
            tls on
            tls_host_override mx.test
            {tls.Replace("authority", receiver.Authority, StringComparison.Ordinal).Replace("other", receiver.Folder["Client-Authority.pem"], StringComparison.Ordinal).Replace("fingerprint fingerprint", "fingerprint " + Colons(receiver.Fingerprint), StringComparison.Ordinal)}
            auth {mechanism}
            user {receiver.Login}
            password {receiver.Password}
            from a@client.test

            """);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        CommandResult sent = await Command.RunAsync("/usr/bin/msmtp", ["-C", file, "b@far.test"], $"Subject: {_mark}\n\nx\n");
        Assert.True(sent.ExitCode == exit, sent + receiver.Daemon.Log);
        if (exit == 0)
            await receiver.PassesAsync(_mark);
    }

    [Theory]
    [InlineData("smtp", "demanded", "plain", true)]
    [InlineData("smtp", "demanded", "login", true)]
    [InlineData("smtps", "implicit", "plain", true)]
    [InlineData("smtps", "implicit", "login", true)]
    [InlineData("smtp", "clear", "plain", false)]
    public async Task S_nail(string scheme, string door, string mechanism, bool good)
    {
        // It wants the host by the certificate's name; what it resolves is this machine's.
        string settings = receiver.Folder.Write("nailrc", $"""
            set v15-compat
            set mta={scheme}://{Uri.EscapeDataString(receiver.Login)}:{Uri.EscapeDataString(receiver.Password)}@127.0.0.1:{receiver.Door(door)}
            {(scheme == "smtp" ? "set smtp-use-starttls" : "")}
            set smtp-auth={mechanism}
            set tls-ca-file={receiver.Authority}
            set tls-ca-no-defaults
            set tls-verify=ignore
            set from=a@client.test
            set hostname=client.test

            """);
        var environment = new Dictionary<string, string> { ["MAILRC"] = settings, ["HOME"] = receiver.Folder.Path };
        CommandResult sent = await Command.RunAsync("/usr/bin/s-nail", ["-:u", "-s", _mark, "b@far.test"], "text\n", environment);
        Assert.True(sent.ExitCode == 0 == good, sent + receiver.Daemon.Log);
        if (good)
            await receiver.PassesAsync(_mark);
    }

    [Fact]
    public async Task Python()
    {
        // The password comes by standard input.
        string script = receiver.Folder.Write("send.py", """
            import smtplib, ssl, sys
            mark, login, offered, implicit, authority = sys.argv[1:]
            password = sys.stdin.readline().rstrip("\n")
            context = ssl.create_default_context(cafile=authority)
            class Client(smtplib.SMTP):
                def _get_socket(self, host, port, timeout):
                    return super()._get_socket("127.0.0.1", port, timeout)
            class TlsClient(smtplib.SMTP_SSL):
                def _get_socket(self, host, port, timeout):
                    return self.context.wrap_socket(smtplib.SMTP._get_socket(self, "127.0.0.1", port, timeout), server_hostname="mx.test")
            for name, mechanism in (("starttls", None), ("plain", "auth_plain"), ("login", "auth_login"), ("implicit", None)):
                client = TlsClient("mx.test", int(implicit), context=context) if name == "implicit" else Client("mx.test", int(offered))
                client.ehlo()
                if name != "implicit":
                    assert "auth" not in client.esmtp_features
                    client.starttls(context=context)
                    client.ehlo()
                if mechanism:
                    client.user, client.password = login, password
                    code, _ = client.auth(mechanism[5:].upper(), getattr(client, mechanism))
                    assert code == 235
                else:
                    client.login(login, password)
                client.sendmail("a@client.test", ["b@far.test"], f"Subject: {name} {mark}\n\nx\n")
                assert client.docmd("AUTH", "LOGIN")[0] == 503
                client.quit()

            """);
        CommandResult sent = await Command.RunAsync("/usr/bin/python3",
            [script, _mark, receiver.Login, Text(receiver.Offered), Text(receiver.Implicit), receiver.Authority], receiver.Password + "\n");
        Assert.True(sent.ExitCode == 0, sent + receiver.Daemon.Log);
        foreach (string name in (string[])["starttls", "plain", "login", "implicit"])
            await receiver.PassesAsync($"Subject: {name} {_mark}");
    }

    private Task<CommandResult> SwaksAsync(string how, string door) => Command.RunAsync("/usr/bin/swaks",
    [
        "--server", "127.0.0.1", "--port", Text(receiver.Door(door)), "--from", "a@client.test", "--to", "b@far.test", "--helo", "client.test", "--auth-hide-password",
        "--header", "Subject: " + _mark, .. how.Split(' ', StringSplitOptions.RemoveEmptyEntries),
    ]);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static string Colons(string fingerprint) => string.Join(':', fingerprint.Chunk(2).Select(c => new string(c)));

    private static string Received(string message) => message[message.IndexOf("Received:", StringComparison.Ordinal)..message.IndexOf("\nSubject:", StringComparison.Ordinal)];
}
