using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>The whole daemon with what a relay line of our own grammar can say: several smarthosts in order, logins by sender, TLS policies in a table and keys known by their digest.</summary>
public sealed class SmarthostPeerTests(Provider provider) : IClassFixture<Provider>
{
    [Fact]
    public async Task Mail_takes_the_second_smarthost_while_the_first_is_away_and_returns()
    {
        using var folder = new TemporaryFolder();
        (int first, int second) = (Ports.Free(), Ports.Free());
        await using Background stays = Sink(folder, "second", second);
        await using Daemon daemon = await Daemon.StartAsync($$"""
            listen on 127.0.0.1 port @PORT@ hostname mx.home.test
            action "out" relay host { "smtp://127.0.0.1:{{first}}", "smtp://127.0.0.1:{{second}}" }
            match from local for any action "out"
            """, new TemporaryFolder());
        await using (Background before = Sink(folder, "first", first))
        {
            await SendAsync(daemon, "one");
            await ArrivesAsync(folder, "first", "one", daemon);
        }
        // The kept connection ends with its host; what comes now must not wait for a retry.
        await SendAsync(daemon, "two");
        await SendAsync(daemon, "three");
        await ArrivesAsync(folder, "second", "two", daemon);
        await ArrivesAsync(folder, "second", "three", daemon);
        await Wait.UntilAsync(() => daemon.Log.Contains($"relay host 127.0.0.1[127.0.0.1]:{first} rests for 30 s", StringComparison.Ordinal), "the log tells that the host rests\n" + daemon.Log);
        Assert.Contains($"127.0.0.1[127.0.0.1]:{first} rests until", (await daemon.ToolAsync("smtpctl", ["show", "hosts"])).Output, StringComparison.Ordinal);

        await using Background again = Sink(folder, "again", first);
        await daemon.ToolAsync("smtpctl", ["schedule", "all"]);
        await SendAsync(daemon, "four");
        await ArrivesAsync(folder, "again", "four", daemon);
        await Wait.UntilAsync(() => daemon.Log.Contains($":{first} is back", StringComparison.Ordinal), "the log tells that the host is back\n" + daemon.Log);
        await daemon.UntilQueueIsEmptyAsync();
        // Each arrived once, wherever.
        string all = string.Concat(Directory.EnumerateFiles(folder.Path, "m.*", SearchOption.AllDirectories).Select(File.ReadAllText));
        foreach (string mark in (string[])["one", "two", "three", "four"])
            Assert.Equal(1, all.Split($"Subject: mark {mark}\n").Length - 1);
    }

    [Fact]
    public async Task Each_sender_logs_in_as_himself_and_the_log_tells_of_verified_TLS()
    {
        (string Login, string Password)[] users = [(Secrets.Login(), Secrets.Password()), (Secrets.Login(), Secrets.Password())];
        using var folder = new TemporaryFolder();
        foreach ((string login, string password) in users)
            await provider.SetUserAsync(login, password);
        folder.Write("secrets", string.Concat(users.Select((u, i) => $"user{i}@home.test {u.Login}:{u.Password}\n")));
        await using Daemon daemon = await StartAsync(folder, $"""
            log style postfix
            action "out" relay host smtp://{Provider.Host}:{provider.Submission} auth <secrets> by sender ca provider
            match from local for any action "out"
            """);
        string mark = Guid.NewGuid().ToString("N");
        for (int i = 0; i < 4; i++)
            await SendAsync(daemon, $"{mark}-{i}", $"user{i % 2}@home.test");
        for (int i = 0; i < 4; i++)
            Assert.Contains($"(Authenticated sender: {users[i % 2].Login})", await provider.ArrivesAsync($"mark {mark}-{i}\n", () => daemon.Log), StringComparison.Ordinal);
        Assert.Contains($"Verified TLS connection established to {Provider.Host}[127.0.0.1]:{provider.Submission}: TLSv1.3 with cipher", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_of_policies_and_a_known_key_decide_whom_mail_goes_to()
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        await provider.SetUserAsync(login, password);
        using var folder = new TemporaryFolder();
        folder.Write("secrets", $"me {login}:{password}\n");
        string digest = (await Command.ShellAsync($"openssl s_client -connect 127.0.0.1:{provider.Submissions} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256")).Output.Trim().Split('=')[1];
        string url = $"smtp+tls://me@{Provider.WrongName}:{provider.Submission}";
        await using Daemon daemon = await StartAsync(folder, $$"""
            table policies { "[{{Provider.WrongName}}]:{{provider.Submission}}" = "secure match={{Provider.Host}} protocols=TLSv1.2" }
            action "named" relay host {{url}} auth <secrets> ca provider tls-policy <policies>
            action "known" relay host {{url}} auth <secrets> tls fingerprint { "{{digest}}" }
            action "other" relay host {{url}} auth <secrets> tls fingerprint { "{{new string('0', 64)}}" }
            match from local for domain named.test action "named"
            match from local for domain known.test action "known"
            match from local for domain other.test action "other"
            """);
        string mark = Guid.NewGuid().ToString("N");
        foreach (string name in (string[])["named", "known", "other"])
            await SendAsync(daemon, name + "-" + mark, "a@home.test", name + ".test");
        Assert.Contains("using TLSv1.2 with cipher", await provider.ArrivesAsync($"mark named-{mark}\n", () => daemon.Log), StringComparison.Ordinal);
        Assert.Contains("using TLSv1.3 with cipher", await provider.ArrivesAsync($"mark known-{mark}\n", () => daemon.Log), StringComparison.Ordinal);
        await Wait.UntilAsync(async () => string.Join('\n', await daemon.QueueAsync()).Contains("its key is another one", StringComparison.Ordinal), "the queue tells of the other key", null, () => daemon.Log);
        Assert.Contains("sha256=" + digest.Replace(":", "", StringComparison.Ordinal), string.Join('\n', await daemon.QueueAsync()), StringComparison.Ordinal);
    }

    private Task<Daemon> StartAsync(TemporaryFolder folder, string rules) => Daemon.StartAsync($"""
        nameserver {provider.NameServer}
        ca provider cert "{provider.Authority}"
        table secrets file:@DIR@/secrets
        listen on 127.0.0.1 port @PORT@ hostname mx.home.test
        {rules}
        """, folder);

    private static async Task SendAsync(Daemon daemon, string mark, string sender = "a@home.test", string domain = "far.test")
    {
        await using SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port);
        Assert.StartsWith("250", await client.SendAsync(sender, "b@" + domain, $"Subject: mark {mark}\n\nx\n"), StringComparison.Ordinal);
    }

    private static Background Sink(TemporaryFolder folder, string name, int port)
    {
        string into = Directory.CreateDirectory(folder[name]).FullName;
        File.SetUnixFileMode(into, (UnixFileMode)0b111_111_111);
        return new Background("/usr/sbin/smtp-sink", ["-u", "nobody", "-d", Path.Combine(into, "m."), string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "200"]);
    }

    private static Task ArrivesAsync(TemporaryFolder folder, string sink, string mark, Daemon daemon) => Wait.UntilAsync(
        () => Directory.EnumerateFiles(folder[sink]).Any(f => File.ReadAllText(f).Contains($"Subject: mark {mark}\n", StringComparison.Ordinal)), $"{mark} arrives at the {sink} host", null, () => daemon.Log);
}
