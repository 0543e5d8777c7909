using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Debian's Postfix as the client: it verifies us at the level "secure", logs in, or shows a client certificate, and hands over what it was given.</summary>
public sealed class PostfixRelaysToUsTests(Receiver receiver) : IClassFixture<Receiver>
{
    [Theory]
    [InlineData("demanded", "smtp_tls_security_level = secure", "plain", true)]
    [InlineData("demanded", "smtp_tls_security_level = secure", "login", true)]
    [InlineData("implicit", "smtp_tls_security_level = secure\nsmtp_tls_wrappermode = yes", "plain", true)]
    [InlineData("demanded", "smtp_tls_security_level = secure", "scram-sha-256", true)]
    [InlineData("demanded", "smtp_tls_security_level = secure", "cram-md5", false)]
    [InlineData("certified", "smtp_tls_security_level = secure", "", true)]
    public async Task Postfix_delivers(string door, string tls, string mechanism, bool good)
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        string mark = Guid.NewGuid().ToString("N");
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        SendingToPostfixTests.Certificate(folder).Dispose();
        File.SetUnixFileMode(folder.Write("sasl_passwd", $"[127.0.0.1]:{receiver.Door(door)} {receiver.Login}:{receiver.Password}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string login = mechanism.Length == 0
            ? $"smtp_tls_chain_files = {receiver.Folder["client.key"]}, {receiver.Folder["client.pem"]}"
            : $"smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:{folder["sasl_passwd"]}\nsmtp_sasl_security_options = noanonymous\nsmtp_sasl_mechanism_filter = {mechanism}";
        string configuration = SendingToPostfixTests.Configuration(folder, port, receiver.Door(door), more: string.Join('\n',
            tls, "smtp_tls_secure_cert_match = mx.test", "smtp_tls_CAfile = " + receiver.Authority, "smtp_tls_loglevel = 1", login));
        await using var postfix = new Background("/usr/lib/postfix/sbin/master", ["-c", configuration, "-d"]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Postfix greets\n" + postfix.Output);
        await using (SmtpClient client = await SmtpClient.ConnectAsync(port))
            Assert.StartsWith("250", await client.SendAsync("a@client.test", "b@far.test", $"Subject: {mark}\n\nx\n"), StringComparison.Ordinal);
        await Wait.UntilAsync(() => postfix.Output.Contains(good ? "status=sent" : "status=deferred", StringComparison.Ordinal), "Postfix tells what became of it", null, () => postfix.Output + receiver.Daemon.Log);
        if (!good)
            return;
        Assert.Contains("Verified TLS connection established", postfix.Output, StringComparison.Ordinal);
        await receiver.PassesAsync(mark);
    }
}
