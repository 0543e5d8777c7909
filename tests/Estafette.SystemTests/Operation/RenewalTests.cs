using System.Diagnostics;
using Estafette.SystemTests.Harness;
using Xunit.Abstractions;

namespace Estafette.SystemTests.Operation;

/// <summary>Files that the configuration names change while the server runs: the next handshake and the next login use them, and nothing else notices.</summary>
public sealed class RenewalTests(ITestOutputHelper output)
{
    private const string Listen = "listen on 127.0.0.1 port @PORT@ hostname mx.test tls pki mx.test\naction \"in\" relay host smtp://127.0.0.1:9\nmatch from any for domain mx.test action \"in\"\n";

    /// <summary>Looks, settling and root's part take some seven seconds; a busy machine gets more.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_certificate_that_only_root_may_read_is_renewed_under_load_without_a_failed_handshake()
    {
        using var folder = new TemporaryFolder();
        var certificate = new RenewedCertificate(folder["letsencrypt"]);
        string first = await certificate.RenewByLinkAsync();
        await using Daemon daemon = await Daemon.StartAsync(certificate.Pki + Listen, folder);
        await RenewUnderLoadAsync(daemon, first, certificate.RenewByLinkAsync, certificate.RenewByRenameAsync);
    }

    [Fact]
    public async Task A_server_that_an_ordinary_user_started_renews_its_certificate_under_load_too()
    {
        using var folder = new TemporaryFolder();
        await using TestUser user = await TestUser.MakeAsync(folder);
        var certificate = new RenewedCertificate(folder["letsencrypt"]);
        string first = await certificate.RenewByLinkAsync();
        Daemon daemon = Daemon.Prepare(certificate.Pki + Listen, folder);
        await using (daemon)
        {
            string[] run = ["run", "--config", folder["smtpd.conf"], "--state", daemon.State];
            if (Environment.IsPrivilegedProcess)
            {
                certificate.Owner = user.Name;
                Directory.CreateDirectory(daemon.State);
                await Command.RunAsync("/bin/chown", ["-R", user.Name, daemon.State, folder["letsencrypt"]]);
                await daemon.StartAgainAsync("/usr/bin/setpriv", ["--reuid", user.Name, "--regid", user.Name, "--clear-groups", Published.Tool("estafette"), .. run]);
            }
            else
            {
                await daemon.StartAgainAsync(Published.Tool("estafette"), run);
            }
            await RenewUnderLoadAsync(daemon, first, certificate.RenewByLinkAsync);
        }
    }

    private async Task RenewUnderLoadAsync(Daemon daemon, string first, params Func<Task<string>>[] renewals)
    {
        await using var load = new HandshakeLoad(daemon.Port);
        await Wait.UntilAsync(() => load.Newest == first, "the first certificate is shown\n" + daemon.Log);
        foreach (Func<Task<string>> renew in renewals)
        {
            string next = await renew();
            var clock = Stopwatch.StartNew();
            await Wait.UntilAsync(() => load.Newest == next || !load.Failures.IsEmpty, "the renewed certificate is shown\n" + daemon.Log, s_patience);
            output.WriteLine($"shown after {clock.Elapsed.TotalSeconds:0.0} s, {load.Done} handshakes");
            await Wait.UntilAsync(() => daemon.Log.Contains("sha256 " + next, StringComparison.Ordinal), "the renewal is told\n" + daemon.Log);
            Assert.Contains("certificate mx.test is in force: CN=mx.test", daemon.Log, StringComparison.Ordinal);
        }
        Assert.True(load.Failures.IsEmpty, string.Join('\n', load.Failures) + daemon.Log);
        Assert.True(load.Done > 20, $"only {load.Done} handshakes");
    }

    [Fact]
    public async Task A_certificate_whose_key_has_not_come_yet_is_told_once_and_not_shown()
    {
        using var folder = new TemporaryFolder();
        var certificate = new RenewedCertificate(folder["letsencrypt"]);
        await certificate.RenewByLinkAsync();
        string first = await certificate.RenewByRenameAsync();
        await using Daemon daemon = await Daemon.StartAsync(certificate.Pki + Listen, folder);
        string next = await certificate.ReplaceCertificateAsync(out string key);
        await Wait.UntilAsync(() => daemon.Log.Contains("what worked before stays in force", StringComparison.Ordinal), "the half pair is told\n" + daemon.Log, s_patience);
        Assert.Equal(first, await HandshakeLoad.OnceAsync(daemon.Port));
        Assert.Equal(1, (await daemon.ToolAsync("smtpctl", ["reload"])).ExitCode);
        Assert.Equal(first, await HandshakeLoad.OnceAsync(daemon.Port));

        await certificate.ReplaceAsync(certificate.Key, key);
        await Wait.UntilAsync(async () => await HandshakeLoad.OnceAsync(daemon.Port) == next, "the whole pair is shown\n" + daemon.Log, s_patience);
        Assert.Equal(2, daemon.Log.Split("what worked before stays in force").Length);
    }

    [Fact]
    public async Task E9_a_renewed_key_that_others_may_read_is_refused_with_the_cure()
    {
        using var folder = new TemporaryFolder();
        var certificate = new RenewedCertificate(folder["letsencrypt"]);
        await certificate.RenewByLinkAsync();
        string first = await certificate.RenewByRenameAsync();
        await using Daemon daemon = await Daemon.StartAsync(certificate.Pki + Listen, folder);
        // The widest mode there is, and a folder that everybody may search: nobody needs root to read it.
        foreach (string name in (string[])["letsencrypt", "letsencrypt/live", "letsencrypt/archive"])
            File.SetUnixFileMode(folder[name], (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(certificate.Key, (UnixFileMode)0b110_100_100);
        await Wait.UntilAsync(() => daemon.Log.Contains("is open to everybody on this machine (mode 0644)", StringComparison.Ordinal), "the open key is told\n" + daemon.Log, s_patience);
        Assert.Contains($"run `chmod 600 {certificate.Key}`", daemon.Log, StringComparison.Ordinal);
        Assert.Equal(first, await HandshakeLoad.OnceAsync(daemon.Port));
    }
}
