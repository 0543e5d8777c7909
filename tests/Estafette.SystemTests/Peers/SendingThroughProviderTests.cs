using System.Globalization;
using System.Text;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>The whole daemon sends through a provider that demands TLS and a login: every mechanism, both kinds of door, and everything that must not happen.</summary>
public sealed class SendingThroughProviderTests(Provider provider) : IClassFixture<Provider>
{
    [Fact]
    public async Task Every_mechanism_and_both_doors()
    {
        (string login, string password) = await NewUserAsync();
        using var folder = new TemporaryFolder();
        var rules = new StringBuilder();
        (string Name, string Url)[] ways =
        [
            .. provider.Doors.Select(d => (d.Key.ToLowerInvariant(), $"smtp+tls://me@{Provider.Host}:{d.Value}")),
            ("starttls", $"smtp+tls://me@{Provider.Host}:{provider.Submission}"),
            ("implicit", $"smtps://me@{Provider.Host}:{provider.Submissions}"),
        ];
        foreach ((string name, string url) in ways)
            rules.Append(CultureInfo.InvariantCulture, $"action \"{name}\" relay host {url} auth <secrets> ca provider\nmatch from local for domain {name}.test action \"{name}\"\n");
        folder.Write("secrets", $"me {login}:{password}\n");
        await using Daemon daemon = await StartAsync(folder, rules.ToString());
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
        {
            foreach ((string name, _) in ways)
                Assert.StartsWith("250", await client.SendAsync("a@home.test", $"b@{name}.test", $"Subject: {name} by {login}\n\nx\n"), StringComparison.Ordinal);
        }
        foreach ((string name, _) in ways)
        {
            string received = await provider.ArrivesAsync($"Subject: {name} by {login}", () => daemon.Log);
            Assert.Contains($"(Authenticated sender: {login})", received, StringComparison.Ordinal);
            Assert.Contains("using TLSv1.3 with cipher", received, StringComparison.Ordinal);
        }
        foreach (string mechanism in provider.Doors.Keys)
            Assert.Contains($"sasl_method={mechanism}, sasl_username={login}", provider.Log, StringComparison.Ordinal);
        await daemon.UntilQueueIsEmptyAsync();
    }

    [Theory]
    [InlineData(Provider.WrongName, "ca provider", Provider.WrongName)]
    [InlineData(Provider.Host, "", "")]
    [InlineData(Provider.Host, "ca other", "")]
    public async Task E8_E9_a_provider_that_is_not_who_it_should_be_gets_neither_login_nor_mail(string host, string anchor, string expected)
    {
        (string login, string password) = await NewUserAsync();
        using var folder = new TemporaryFolder();
        using var other = new TestAuthority(folder, "Other Authority");
        folder.Write("secrets", $"me {login}:{password}\n");
        await using Daemon daemon = await StartAsync(folder, $"""
            ca other cert "{other.File}"
            action "out" relay host smtp+tls://me@{host}:{provider.Submission} auth <secrets> {anchor}
            match from local for any action "out"
            """);
        string waits = await SendAndWaitAsync(daemon, $"Subject: not yet {login}\n\nx\n", "certificate");
        Assert.Contains(expected, waits, StringComparison.Ordinal);
        // What the peer showed is in the log: whom the certificate is for and from whom.
        Assert.Contains("CN=" + Provider.Host, daemon.Log, StringComparison.Ordinal);
        Assert.Contains("CN=Test Authority", daemon.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("sasl_username=" + login, provider.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(provider.Sink.Messages, m => m.Contains(login, StringComparison.Ordinal));
    }

    private Task<Daemon> StartAsync(TemporaryFolder folder, string rules) => Daemon.StartAsync(Configuration(rules), folder);

    private string Configuration(string rules) => $"""
        log trace all
        nameserver {provider.NameServer}
        ca provider cert "{provider.Authority}"
        table secrets file:@DIR@/secrets
        listen on 127.0.0.1 port @PORT@ hostname mx.home.test
        retry schedule {"{"} 1h {"}"}
        {rules}
        """;

    private async Task<(string Login, string Password)> NewUserAsync()
    {
        (string login, string password) = (Secrets.Login(), Secrets.Password());
        await provider.SetUserAsync(login, password);
        return (login, password);
    }

    /// <summary>The entry of the queue once it tells why it waits.</summary>
    private static async Task<string> SendAndWaitAsync(Daemon daemon, string message, string why)
    {
        await using (SmtpClient client = await SmtpClient.ConnectAsync(daemon.Port))
            Assert.StartsWith("250", await client.SendAsync("a@home.test", "b@far.test", message), StringComparison.Ordinal);
        string entry = "";
        await Wait.UntilAsync(async () => (entry = string.Join('\n', await daemon.QueueAsync())).Contains(why, StringComparison.OrdinalIgnoreCase), "the queue tells: " + why, null, () => entry + daemon.Log);
        return entry;
    }
}
