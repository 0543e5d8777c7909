using System.Diagnostics;
using System.Globalization;
using System.Text;
using Estafette.SystemTests.Harness;
using Estafette.SystemTests.Peers;

namespace Estafette.SystemTests.Attacks;

/// <summary>E10: hundreds of guesses from several addresses are slowed down and then not even looked at; whoever knows his password logs in meanwhile.</summary>
public sealed class PasswordSprayTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int Addresses = 8;
    private const int SessionsOfOne = 10;
    private const int FailuresPerClient = 20;

    [Fact]
    public async Task E10_spraying_is_slowed_and_rightful_logins_work_meanwhile()
    {
        string right = Secrets.Password(), stored = await LoginServer.StoredAsync(right, "yescrypt");
        await using var daemon = await Daemon.StartAsync($$"""
            table users { alice = "{{stored}}", bob = "{{stored}}" }
            listen on 127.0.0.1 port @PORT@ auth <users> auth-without-tls hostname mx.test
            log style postfix
            limit auth-failures-per-client {{FailuresPerClient}}
            limit auth-window 24h
            limit sessions-per-client 200
            action "out" discard
            match from auth for any action "out"
            """);
        Assert.StartsWith("235", await LogInAsync(daemon, "127.0.0.1", "alice", right), StringComparison.Ordinal);
        TimeSpan busy = Busy(daemon);
        var clock = Stopwatch.StartNew();
        Task<string[]>[] sprayers = [.. Enumerable.Range(0, Addresses * SessionsOfOne).Select(i => SprayAsync(daemon, Address(i), i))];
        TimeSpan slowest = default;
        while (!sprayers.All(s => s.IsCompleted))
        {
            var login = Stopwatch.StartNew();
            Assert.StartsWith("235", await LogInAsync(daemon, "127.0.0.1", "alice", right), StringComparison.Ordinal);
            slowest = login.Elapsed > slowest ? login.Elapsed : slowest;
            await Task.Delay(100);
        }
        string[] replies = [.. (await Task.WhenAll(sprayers)).SelectMany(r => r)];
        output.WriteLine($"{replies.Length} guesses in {clock.Elapsed.TotalSeconds:0.0} s, {(Busy(daemon) - busy).TotalSeconds:0.0} s of CPU; slowest rightful login {slowest.TotalMilliseconds:0} ms");
        Assert.DoesNotContain(replies, r => r.StartsWith("235", StringComparison.Ordinal));
        Assert.All(replies.Where(r => r.StartsWith("535", StringComparison.Ordinal)), r => Assert.Equal("535 5.7.8 Authentication failed", r));
        // Three guesses a session, each on a beat of half a second.
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1.4), clock.Elapsed.ToString());
        Assert.True(slowest < TimeSpan.FromSeconds(60), slowest.ToString());

        // Every address has had its fill: not even a right password is looked at from there, and a stranger to the attack still gets in.
        for (int i = 0; i < Addresses; i++)
            Assert.Equal("454 4.7.0 Temporary authentication failure", await LogInAsync(daemon, Address(i), "bob", right));
        Assert.StartsWith("235", await LogInAsync(daemon, "127.0.0.100", "bob", right), StringComparison.Ordinal);
        int counted = daemon.Log.Split(": SASL PLAIN authentication failed: ").Length - 1;
        Assert.Equal(replies.Count(r => r.StartsWith("535", StringComparison.Ordinal)), counted);
    }

    private static string Address(int i) => "127.0.1." + (1 + (i % Addresses)).ToString(CultureInfo.InvariantCulture);

    private static TimeSpan Busy(Daemon daemon)
    {
        daemon.Running!.Process.Refresh();
        return daemon.Running.Process.TotalProcessorTime;
    }

    /// <summary>One session's guesses, each at another login, as sprayers do; a few of them exist.</summary>
    private static async Task<string[]> SprayAsync(Daemon daemon, string address, int number)
    {
        var replies = new List<string>();
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port, address);
        for (int guess = 0; guess < 3; guess++)
        {
            string login = guess == 0 && number % 10 == 0 ? "bob" : string.Create(CultureInfo.InvariantCulture, $"user{number}-{guess}");
            string reply = await client.AskAsync("AUTH PLAIN " + Plain(login, "Spring2026"));
            if (reply.Length == 0)
                break;
            replies.Add(reply);
        }
        return [.. replies];
    }

    private static async Task<string> LogInAsync(Daemon daemon, string address, string login, string password)
    {
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port, address);
        return await client.AskAsync("AUTH PLAIN " + Plain(login, password));
    }

    private static string Plain(string login, string password) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{login}\0{password}"));
}
