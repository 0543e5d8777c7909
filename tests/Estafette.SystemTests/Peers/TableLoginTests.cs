using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Logins against a credentials table, by the clients that Debian has: swaks, s-nail, msmtp, and GNU SASL, which binds the channel.</summary>
public sealed class TableLoginTests
{
    [Theory]
    [InlineData("sha512")]
    [InlineData("yescrypt")]
    [InlineData("bcrypt")]
    [InlineData("scram-sha-256")]
    public async Task E9_every_stored_form_is_checked_for_PLAIN_and_LOGIN(string scheme)
    {
        string right = Secrets.Password();
        await using LoginServer server = await LoginServer.StartAsync($$"""auth { alice = "{{await LoginServer.StoredAsync(right, scheme)}}" }""");
        foreach (string mechanism in (string[])["PLAIN", "LOGIN"])
        {
            CommandResult sent = await server.SwaksAsync(mechanism, "alice", right);
            Assert.True(sent.ExitCode == 0, sent + server.Log);
        }
        CommandResult refused = await server.SwaksAsync("PLAIN", "alice", Secrets.Password());
        Assert.True(refused.ExitCode != 0 && refused.Output.Contains("535 5.7.8 Authentication failed", StringComparison.Ordinal), refused.ToString());
        await server.ArriveAsync(2);
    }

    [Fact]
    public async Task Encrypt_makes_no_cheap_hash_and_nothing_of_nothing()
    {
        Assert.StartsWith("$2b$10$", await LoginServer.StoredAsync(Secrets.Password(), "bcrypt"), StringComparison.Ordinal);
        CommandResult empty = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt"], "");
        Assert.True(empty is { ExitCode: 1, Output: "" }, empty.ToString());
    }

    [Fact]
    public async Task SCRAM_with_and_without_channel_binding_over_both_versions_of_TLS()
    {
        string right = Secrets.Password();
        await using LoginServer server = await LoginServer.StartAsync($$"""auth { alice = "{{await LoginServer.StoredAsync(right, "scram-sha-256")}}" }""");
        int accepted = 0;
        foreach (string version in (string[])["NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"])
        {
            CommandResult good = await server.GsaslAsync("SCRAM-SHA-256-PLUS", "alice", right, "--priority", version);
            Assert.True(good.Output.Contains("235 2.0.0 Authentication succeeded", StringComparison.Ordinal), version + good + server.Log);
            Assert.Equal(++accepted, server.Log.Split("Accepted authentication for user \"alice\"").Length - 1);
            foreach ((string login, string password) in ((string, string)[])[("alice", Secrets.Password()), ("nobody", right)])
            {
                CommandResult wrong = await server.GsaslAsync("SCRAM-SHA-256-PLUS", login, password, "--priority", version);
                Assert.True(wrong.ExitCode != 0 && wrong.Output.Contains("535 5.7.8 Authentication failed", StringComparison.Ordinal), wrong.ToString());
            }
        }
        CommandResult sent = await server.MsmtpAsync("scram-sha-256", "alice", right);
        Assert.True(sent.ExitCode == 0, sent + server.Log);
        Assert.Contains(" by SCRAM-SHA-256 ", server.Log, StringComparison.Ordinal);
        await server.ArriveAsync(1);
    }

    [Fact]
    public async Task RFC7677_s4_without_the_extended_master_secret_nothing_is_bound_to_tls_unique()
    {
        string right = Secrets.Password(), version = "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH";
        await using LoginServer server = await LoginServer.StartAsync($$"""auth { alice = "{{await LoginServer.StoredAsync(right, "scram-sha-256")}}" }""");
        CommandResult bound = await server.GsaslAsync("SCRAM-SHA-256-PLUS", "alice", right, "--priority", version);
        Assert.DoesNotContain("235 ", bound.Output, StringComparison.Ordinal);
        CommandResult plain = await server.GsaslAsync("PLAIN", "alice", right, "--priority", version);
        Assert.True(plain.Output.Contains("235 2.0.0 Authentication succeeded", StringComparison.Ordinal), plain + server.Log);
    }

    [Fact]
    public async Task Snail_logs_in_and_sends()
    {
        string right = "simple" + Secrets.PasswordMarker;
        await using LoginServer server = await LoginServer.StartAsync($$"""auth { alice = "{{await LoginServer.StoredAsync(right, "yescrypt")}}" }""");
        string[] set = ["-:/", "-S", "v15-compat", "-S", $"mta=smtp://alice:{right}@127.0.0.1:{server.Daemon.Port}", "-S", "smtp-use-starttls", "-S", "tls-verify=ignore", "-S", "smtp-auth=login"];
        CommandResult sent = await Command.RunAsync("/usr/bin/s-nail", [.. set, "-s", "by s-nail", "-r", "a@client.test", "b@far.test"], "x\n", new Dictionary<string, string> { ["HOME"] = server.Folder.Path });
        Assert.True(sent.ExitCode == 0, sent + server.Log);
        await server.ArriveAsync(1);
    }

    [Fact]
    public async Task Swaks_may_log_in_without_TLS_only_where_the_line_says_so()
    {
        string right = Secrets.Password();
        using var folder = new TemporaryFolder();
        int clear = Ports.Free();
        string table = $$"""{ alice = "{{await LoginServer.StoredAsync(right, "sha512")}}" }""";
        await using LoginServer server = await LoginServer.StartAsync("auth " + table, $"listen on 127.0.0.1 port {clear} auth {table} auth-without-tls hostname mx.test");
        Assert.Contains("passwords may travel in the clear here", server.Log, StringComparison.Ordinal);
        string[] arguments = ["--server", "127.0.0.1", "--helo", "c.test", "--from", "a@client.test", "--to", "b@far.test", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", right];
        CommandResult sent = await Command.RunAsync("/usr/bin/swaks", [.. arguments, "--port", $"{clear}"]);
        Assert.True(sent.ExitCode == 0, sent + server.Log);
        CommandResult refused = await Command.RunAsync("/usr/bin/swaks", [.. arguments, "--port", $"{server.Daemon.Port}"]);
        Assert.True(refused.ExitCode != 0 && !refused.Output.Contains("AUTH PLAIN", StringComparison.Ordinal), refused.ToString());
    }
}
