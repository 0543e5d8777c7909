using System.Text;
using Estafette.SystemTests.Harness;
using Estafette.SystemTests.Peers;

namespace Estafette.SystemTests.Attacks;

/// <summary>E10: what SCRAM shows of a login before any password does not tell whether it exists: not by its case, not by asking again after a restart.</summary>
public sealed class WhoExistsTests
{
    [Fact]
    public async Task E10_salts_of_logins_that_do_not_exist_behave_like_those_that_do()
    {
        string stored = await LoginServer.StoredAsync(Secrets.Password(), "scram-sha-256");
        await using var daemon = await Daemon.StartAsync($$"""
            table users { alice = "{{stored}}" }
            listen on 127.0.0.1 port @PORT@ auth <users> auth-without-tls hostname mx.test
            action "out" discard
            match from auth for any action "out"
            """);
        var before = new Dictionary<string, string>();
        foreach (string login in (string[])["alice", "nobody", "b\u00f6rje", "b\u00f6se"])
            before[login] = await ParametersAsync(daemon, login);
        Assert.Equal(before.Count, before.Values.Distinct().Count());
        foreach (string login in before.Keys)
            Assert.Equal(before[login], await ParametersAsync(daemon, string.Concat(login.Select(c => char.IsAscii(c) ? char.ToUpperInvariant(c) : c))));
        await daemon.Running!.TerminateAsync();
        await daemon.StartAgainAsync();
        if (File.Exists("/etc/machine-id") && new FileInfo("/etc/machine-id").Length > 0)
        {
            foreach (string login in before.Keys)
                Assert.Equal(before[login], await ParametersAsync(daemon, login));
        }
    }

    /// <summary>Salt and iterations, as the server's first message has them.</summary>
    private static async Task<string> ParametersAsync(Daemon daemon, string login)
    {
        await using RawSmtp client = await RawSmtp.GreetedAsync(daemon.Port);
        string reply = await client.AskAsync("AUTH SCRAM-SHA-256 " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"n,,n={login},r=abcdefgh")));
        Assert.StartsWith("334 ", reply, StringComparison.Ordinal);
        string message = Encoding.ASCII.GetString(Convert.FromBase64String(reply[4..]));
        return message[message.IndexOf(",s=", StringComparison.Ordinal)..];
    }
}
