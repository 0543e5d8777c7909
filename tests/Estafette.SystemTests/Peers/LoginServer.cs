using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>A daemon that takes mail after a login only, and a sink behind it: whoever gets a message there has logged in.</summary>
internal sealed class LoginServer : IAsyncDisposable
{
    private readonly SmtpSink _sink;

    private LoginServer(TemporaryFolder folder, SmtpSink sink, Daemon daemon) => (Folder, _sink, Daemon) = (folder, sink, daemon);

    public TemporaryFolder Folder { get; }
    public Daemon Daemon { get; }

    /// <param name="auth">The words of the listener's line about logins, such as <c>auth { alice = "$6$..." }</c>; <c>@DIR@</c> is the folder.</param>
    /// <param name="more">Further statements.</param>
    /// <param name="folder">Where everything is; the server's from now on.</param>
    public static async Task<LoginServer> StartAsync(string auth, string more = "", TemporaryFolder? folder = null)
    {
        folder ??= new TemporaryFolder();
        Certificates.Write(folder);
        var sink = new SmtpSink(folder["sink"]);
        Daemon daemon = await Daemon.StartAsync($$"""
            pki mx.test cert "@DIR@/cert.pem"
            pki mx.test key "@DIR@/key.pem"
            {{more}}
            listen on 127.0.0.1 port @PORT@ tls-require pki mx.test {{auth}} hostname mx.test
            action "out" relay host smtp://127.0.0.1:{{sink.Port}}
            match from local auth for any action "out"
            match from auth for any action "out"

            """, folder);
        return new LoginServer(folder, sink, daemon);
    }

    /// <summary>What <c>smtpctl encrypt</c> makes of a password.</summary>
    public static async Task<string> StoredAsync(string password, string scheme)
    {
        CommandResult made = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt", "--scheme", scheme], password + "\n");
        Assert.True(made.ExitCode == 0, made.ToString());
        return made.Output.Trim();
    }

    public Task<CommandResult> SwaksAsync(string mechanism, string login, string password, params string[] more) => Command.RunAsync("/usr/bin/swaks",
        ["--server", "127.0.0.1", "--port", Port, "--tls", "--helo", "client.test", "--from", "a@client.test", "--to", "b@far.test", "--auth", mechanism, "--auth-user", login, "--auth-password", password,
            "--auth-hide-password", .. more]);

    /// <summary>GNU SASL's own client logs in, nothing else.</summary>
    public async Task<CommandResult> GsaslAsync(string mechanism, string login, string password, params string[] more)
    {
        await using var proxy = new GreetingProxy(Daemon.Port);
        return await Command.RunAsync("/usr/bin/gsasl",
            ["--client", "--smtp", "--starttls", "--connect", $"127.0.0.1:{proxy.Port}", "--mechanism", mechanism, "--authentication-id", login, "--password", password,
                "--x509-ca-file", "", .. more], "QUIT\n");
    }

    public async Task<CommandResult> MsmtpAsync(string mechanism, string login, string password, string more = "")
    {
        string file = Folder.Write("msmtprc", $"""
            account default
            host 127.0.0.1
            port {Port}
            tls on
            tls_starttls on
            tls_trust_file {Folder["cert.pem"]}
            tls_host_override mx.test
            auth {mechanism}
            user {login}
            password {password}
            from a@client.test
            {more}

            """);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return await Command.RunAsync("/usr/bin/msmtp", ["-C", file, "b@far.test"], "Subject: by msmtp\n\nx\n");
    }

    public async Task ArriveAsync(int messages)
    {
        await Daemon.UntilQueueIsEmptyAsync();
        Assert.Equal(messages, _sink.Messages.Count);
    }

    public string Log => Daemon.Log;

    private string Port => Daemon.Port.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await _sink.DisposeAsync();
        await Daemon.DisposeAsync();
    }
}
