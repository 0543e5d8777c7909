using System.Globalization;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>
/// A provider as people have one: Postfix that demands TLS and a login, which Dovecot checks, at smtp.provider.test. Each mechanism has a door of its own besides the two usual
/// ones. What it takes goes on to a sink, with the login in its Received line. One serves a whole class of tests; each test asks for a login of its own.
/// </summary>
public sealed class Provider : IAsyncLifetime, IDisposable
{
    internal const string Host = "smtp.provider.test";

    /// <summary>The same machine under a name that is not in its certificate.</summary>
    internal const string WrongName = "other.provider.test";

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _users = [];
    private TestAuthority _authority = null!;
    private Background _dovecot = null!;
    private Background _postfix = null!;
    private NameServer _names = null!;

    internal int Submission { get; } = Ports.Free();
    internal int Submissions { get; } = Ports.Free();

    /// <summary>Doors that offer one mechanism only, with STARTTLS.</summary>
    internal IReadOnlyDictionary<string, int> Doors { get; } = new[] { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256" }.ToDictionary(m => m, _ => Ports.Free());
    internal SmtpSink Sink { get; private set; } = null!;
    internal string NameServer => _names.At.ToString();

    /// <summary>Whom its certificate comes from.</summary>
    internal string Authority => _authority.File;
    internal string Log => _postfix.Output + _dovecot.Output;

    public async Task InitializeAsync()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master needs root");
        _authority = new TestAuthority(_folder);
        _authority.Issue("provider", Host);
        Sink = new SmtpSink(_folder["sink"]);
        string socket = _folder["run/sasl"];
        _folder.Write("passwd", "");
        _dovecot = new Background("/usr/sbin/dovecot", ["-F", "-c", Dovecot(socket)]);
        string configuration = SendingToPostfixTests.Configuration(_folder, Submission, Sink.Port, more: string.Join('\n',
            "myhostname = " + Host, "mynetworks =", "smtpd_tls_security_level = encrypt", "smtpd_tls_auth_only = yes", $"smtpd_tls_chain_files = {_folder["provider.key"]}, {_folder["provider.pem"]}",
            "smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot", "smtpd_sasl_path = " + socket, "smtpd_sasl_authenticated_header = yes", "smtpd_tls_received_header = yes",
            "smtpd_tls_ask_ccert = yes", "smtpd_tls_CAfile = " + Authority, "smtpd_client_restrictions = permit_sasl_authenticated, reject", "smtpd_recipient_restrictions = permit_sasl_authenticated, reject",
            "smtpd_delay_reject = yes", "smtpd_error_sleep_time = 0", "smtpd_tls_loglevel = 1"));
        await File.AppendAllTextAsync(_folder["master.cf"], Service(Submissions, "smtpd_tls_wrappermode=yes")
            + string.Concat(Doors.Select(d => Service(d.Value, "smtpd_sasl_mechanism_filter=" + d.Key))));
        _postfix = new Background("/usr/lib/postfix/sbin/master", ["-c", configuration, "-d"]);
        _names = await Harness.NameServer.StartAsync(_folder, new Dictionary<string, string> { ["provider.test"] = "smtp A 127.0.0.1\nother A 127.0.0.1" });
        await Wait.UntilAsync(() => File.Exists(socket), "Dovecot's login service listens\n" + _dovecot.Output);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(Submission), "Postfix greets\n" + _postfix.Output);
    }

    /// <summary>A login with this password, or from now on with another.</summary>
    internal async Task SetUserAsync(string login, string password)
    {
        _users[login] = password;
        // Fields are separated by colons: what has one, or Dovecot's %, is kept in base64.
        string text = string.Concat(_users.Select(u => $"{u.Key}:{{PLAIN.b64}}{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(u.Value))}::::::\n"));
        _folder.Write("passwd.new", text);
        File.Move(_folder["passwd.new"], _folder["passwd"], overwrite: true);
        // Dovecot looks at the file once a second.
        await Wait.UntilAsync(async () => (await Command.RunAsync("/usr/bin/doveadm", ["-c", _folder["dovecot.conf"], "auth", "test", "-a", _folder["run/sasl"], login, password])).ExitCode == 0,
            "Dovecot knows the new password", null, () => _dovecot.Output);
    }

    /// <summary>The message with this mark in it, once it has arrived.</summary>
    internal async Task<string> ArrivesAsync(string mark, Func<string> log)
    {
        string? message = null;
        await Wait.UntilAsync(() => (message = Sink.Messages.FirstOrDefault(m => m.Contains(mark, StringComparison.Ordinal))) is not null, $"{mark} arrives at the provider", Wait.Usual, () => log() + Log);
        return message!;
    }

    public async Task DisposeAsync()
    {
        foreach (IAsyncDisposable part in (IAsyncDisposable[])[_postfix, _dovecot, _names, Sink])
            await part.DisposeAsync();
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    private static string Service(int port, string option) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port} inet n - n - - smtpd -o {option}\n");

    private string Dovecot(string socket) => DovecotAuth.Write(_folder, "plain login cram-md5 scram-sha-256", Path.GetFileName(socket));
}
