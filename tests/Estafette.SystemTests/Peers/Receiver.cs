using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>
/// A mail domain's server (its passwords are SCRAM verifiers, so that every mechanism works): mx.test with STARTTLS offered, demanded, and TLS from the start, each with a login; a door without TLS and one for client certificates.
/// Strangers reach mx.test only, who has logged in or shown a certificate, everybody. One serves a whole class of tests.
/// </summary>
public sealed class Receiver : IAsyncLifetime, IDisposable
{
    internal TemporaryFolder Folder { get; } = new();
    internal string Login { get; } = Secrets.Login();
    internal string Password { get; } = Secrets.Password();
    internal Daemon Daemon { get; private set; } = null!;
    internal SmtpSink Sink { get; private set; } = null!;

    /// <summary>Whom its certificate comes from.</summary>
    internal string Authority { get; private set; } = "";

    /// <summary>Of its certificate: SHA-256, hexadecimal.</summary>
    internal string Fingerprint { get; private set; } = "";

    internal int Offered => Daemon.Port;
    internal int Demanded { get; } = Ports.Free();
    internal int Implicit { get; } = Ports.Free();
    internal int Clear { get; } = Ports.Free();
    internal int Certified { get; } = Ports.Free();

    internal int Door(string name) => name switch
    {
        "offered" => Offered,
        "demanded" => Demanded,
        "implicit" => Implicit,
        "clear" => Clear,
        "certified" => Certified,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public async Task InitializeAsync()
    {
        using var authority = new TestAuthority(Folder);
        using var clients = new TestAuthority(Folder, "Client Authority");
        Authority = authority.File;
        Fingerprint = authority.Issue("mx", "mx.test");
        clients.Issue("client", "client.test");
        authority.Issue("stranger", "client.test");
        Sink = new SmtpSink(Folder["sink"]);
        CommandResult hash = await Command.RunAsync(Published.Tool("smtpctl"), ["encrypt", "--scheme", "scram-sha-256"], Password + "\n");
        Assert.True(hash.ExitCode == 0, hash.ToString());
        File.SetUnixFileMode(Folder.Write("users", $"{Login} {hash.Output.Trim()}\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Daemon = await Daemon.StartAsync(string.Create(CultureInfo.InvariantCulture, $$"""
            log trace all
            pki mx.test cert "@DIR@/mx.pem"
            pki mx.test key "@DIR@/mx.key"
            ca clients cert "{{clients.File}}"
            table users file:@DIR@/users
            listen on 127.0.0.1 port @PORT@ hostname mx.test tls pki mx.test auth-optional <users>
            listen on 127.0.0.1 port {{Demanded}} hostname mx.test tls-require pki mx.test auth <users>
            listen on 127.0.0.1 port {{Implicit}} hostname mx.test smtps pki mx.test auth <users>
            listen on 127.0.0.1 port {{Clear}} hostname mx.test
            listen on 127.0.0.1 port {{Certified}} hostname mx.test tls-require verify pki mx.test ca clients tag CERTIFIED
            limit auth-failures-per-client 1000
            action "out" relay host smtp://127.0.0.1:{{Sink.Port}}
            match from any for domain mx.test action "out"
            match from auth for any action "out"
            match from any tag CERTIFIED for any action "out"
            """), Folder);
    }

    /// <summary>The message with this mark, once it has passed.</summary>
    internal async Task<string> PassesAsync(string mark)
    {
        string? message = null;
        await Wait.UntilAsync(() => (message = Sink.Messages.FirstOrDefault(m => m.Contains(mark, StringComparison.Ordinal))) is not null, mark + " passes", null, () => Daemon.Log);
        return message!;
    }

    public async Task DisposeAsync()
    {
        await Daemon.DisposeAsync();
        await Sink.DisposeAsync();
    }

    public void Dispose() => Folder.Dispose();
}
