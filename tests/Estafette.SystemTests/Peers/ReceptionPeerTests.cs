using System.Diagnostics;
using System.Globalization;
using Estafette.Tests.Smtpd;
using global::Estafette.Config.Model;
using global::Estafette.Events;

namespace Estafette.SystemTests.Peers;

/// <summary>Real clients from Debian against the reception: swaks, openssl s_client, Postfix's smtp-source.</summary>
public sealed class ReceptionPeerTests
{
    private const string SecretHash = "$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/";

    [Theory]
    [InlineData("")]
    [InlineData("--pipeline")]
    [InlineData("--protocol SMTP")]
    public async Task Swaks_sends(string more)
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync();
        (int exit, string output) = await RunAsync("swaks", $"--server 127.0.0.1 --port {Port(host)} --from a@client.test --to alice@mx.test,bob@mx.test --helo client.test {more}");
        Assert.True(exit == 0, output);
        Assert.Equal(2, Assert.Single(host.Intake.Messages).Envelope.Recipients.Length);
    }

    [Theory]
    [InlineData("--tls --auth PLAIN", ListenerTls.Require)]
    [InlineData("--tls --auth LOGIN", ListenerTls.Require)]
    [InlineData("--tlsc --auth PLAIN --pipeline", ListenerTls.Implicit)]
    public async Task Swaks_authenticates_over_tls(string how, ListenerTls tls)
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Secure(tls));
        (int exit, string output) = await RunAsync("swaks", $"--server 127.0.0.1 --port {Port(host)} --from a@client.test --to alice@mx.test --helo client.test {how} --auth-user alice --auth-password secret");
        Assert.True(exit == 0, output);
        Assert.Equal("alice", Assert.Single(host.Intake.Messages).Envelope.Client.Login);
    }

    [Theory]
    [InlineData("-tls1_2", "TLSv1.2")]
    [InlineData("-tls1_3", "TLSv1.3")]
    public async Task Openssl_starts_tls(string version, string name)
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync(Secure(ListenerTls.Offer));
        (int exit, string output) = await RunAsync("openssl", $"s_client -starttls smtp -connect 127.0.0.1:{Port(host)} -servername mx.test {version} -quiet -crlf", "EHLO client.test\nQUIT\n");
        Assert.True(exit == 0 && output.Contains("221 2.0.0 Bye", StringComparison.Ordinal), output);
        Assert.Equal(name, host.Published.OfType<TlsStarted>().Single().Protocol);
    }

    [Fact]
    public async Task Smtp_source_sends_over_many_sessions()
    {
        await using ReceptionHost host = await ReceptionHost.StartAsync();
        (int exit, string output) = await RunAsync("smtp-source", $"-s 20 -m 1000 -l 4000 -f a@client.test -t alice@mx.test 127.0.0.1:{Port(host)}");
        Assert.True(exit == 0, output);
        Assert.Equal(1000, host.Intake.Messages.Count);
    }

    private static ReceptionSettings Secure(ListenerTls tls) => new()
    {
        Listener = l => l with { Tls = tls, Auth = ListenerAuth.Optional, AuthSource = new AuthSource.Table("creds") },
        Tls = TestIdentity.Create(),
        Tables = [new TableConfig { Name = "creds", Kind = TableKind.Inline, Rows = [new("alice", SecretHash)], At = SourceSpan.None }],
    };

    private static string Port(ReceptionHost host) => host.Address.Port.ToString(CultureInfo.InvariantCulture);

    private static async Task<(int Exit, string Output)> RunAsync(string program, string arguments, string input = "")
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        foreach (string line in input.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // One command at a time: the client's own handshake must be over before it reads them.
            await process.StandardInput.WriteAsync(line + "\n");
            await process.StandardInput.FlushAsync();
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await error);
    }
}
