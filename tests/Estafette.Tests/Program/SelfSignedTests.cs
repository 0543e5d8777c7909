using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Program.Daemon;
using Estafette.Smtpd;
using Estafette.Tests.Queue;

namespace Estafette.Tests.Program;

/// <summary>Certificates that the server makes itself, and the daily look at all of them.</summary>
public sealed class SelfSignedTests : IDisposable
{
    private readonly StateFolder _state = new(Directory.CreateTempSubdirectory("estafette-certs-").FullName);
    private readonly ManualClock _clock = new();

    public SelfSignedTests() => Directory.CreateDirectory(_state.Certificates);

    public void Dispose() => Directory.Delete(_state.Root, recursive: true);

    private MailConfig Config(string host, string identity = "*") => SelfSignedStore.Place(new MailConfig
    {
        Dialect = Dialect.OpenSmtpd,
        Source = "smtpd.conf",
        HostName = host,
        Listeners = [new ListenerConfig { EndPoint = new System.Net.IPEndPoint(0, 25), Spec = "all", At = SourceSpan.None, HostName = "listener.test", Identities = [identity] }],
        Identities = ImmutableDictionary<string, IdentityConfig>.Empty.Add(identity, new IdentityConfig(identity, "", "", new SourceSpan("smtpd.conf", 1, 5)) { SelfSigned = true }),
    }, _state);

    private SelfSignedStore Store => new(owner: null, _clock);

    [Fact]
    public void One_is_made_once_and_works()
    {
        MailConfig config = Config("mx.test");
        Assert.Contains("a self-signed certificate for mx.test, listener.test was made", Assert.Single(Store.Ensure(config)), StringComparison.Ordinal);
        Assert.Empty(Store.Ensure(config));
        string file = Assert.Single(Directory.GetFiles(_state.Certificates));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        ServerCertificates certificates = ServerCertificates.Load(config, new FileView(), out ImmutableArray<Diagnostic> problems);
        Assert.Empty(problems);
        X509Certificate2 certificate = certificates.Find("*")!.TargetCertificate;
        Assert.True(certificate.MatchesHostname("mx.test") && certificate.MatchesHostname("listener.test"));
        Assert.Equal("1.2.840.10045.2.1", certificate.GetKeyAlgorithm());
        Assert.Equal(3652, (certificate.NotAfter.ToUniversalTime() - _clock.GetUtcNow()).TotalDays, 1.0);
        Assert.Equal("1.3.6.1.5.5.7.3.1", certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages[0].Value);
    }

    [Fact]
    public void It_is_made_anew_near_its_end_for_another_name_and_when_it_is_broken()
    {
        Assert.Single(Store.Ensure(Config("mx.test")));
        Assert.Contains("was made anew", Assert.Single(Store.Ensure(Config("other.test"))), StringComparison.Ordinal);
        Assert.Empty(Store.Ensure(Config("other.test")));
        _clock.SetWall(TimeSpan.FromDays(3620));
        Assert.Empty(Store.Ensure(Config("other.test")));
        _clock.SetWall(TimeSpan.FromDays(3));
        Assert.Single(Store.Ensure(Config("other.test")));
        File.WriteAllText(Assert.Single(Directory.GetFiles(_state.Certificates)), "torn");
        Assert.Single(Store.Ensure(Config("other.test")));
    }

    [Fact]
    public void E16_a_link_in_its_place_is_replaced_and_not_followed()
    {
        MailConfig config = Config("mx.test");
        Store.Ensure(config);
        string file = Assert.Single(Directory.GetFiles(_state.Certificates));
        string elsewhere = Path.Combine(_state.Root, "elsewhere.pem");
        File.Move(file, elsewhere);
        string before = File.ReadAllText(elsewhere);
        File.CreateSymbolicLink(file, elsewhere);
        Assert.Single(Store.Ensure(config));
        Assert.Null(new FileInfo(file).LinkTarget);
        Assert.Equal(before, File.ReadAllText(elsewhere));
        Assert.NotEqual(before, File.ReadAllText(file));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("..")]
    [InlineData("/abs")]
    public void No_name_leads_out_of_the_folder(string identity)
    {
        Assert.Single(Store.Ensure(Config("mx.test", identity)));
        Assert.Single(Directory.GetFiles(_state.Certificates));
    }

    [Theory]
    [InlineData("bücher.example")]
    [InlineData("a host")]
    [InlineData("")]
    [InlineData("a-very-long-name-of-a-host-that-is-longer-than-a-common-name-may.be.in.a.certificate.example.org")]
    public void Odd_host_names_still_get_one(string host)
    {
        Assert.Single(Store.Ensure(Config(host)));
        Assert.Empty(Store.Ensure(Config(host)));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told()
    {
        Directory.Delete(_state.Certificates);
        Assert.Contains("no self-signed certificate could be made", Assert.Single(Store.Ensure(Config("mx.test"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Once_a_day_the_operator_hears_of_certificates_near_their_end()
    {
        MailConfig config = Config("mx.test");
        Store.Ensure(config);
        ServerCertificates certificates = ServerCertificates.Load(config, new FileView(), out _);
        var told = new Told();
        var events = new EventSink(_clock, told);
        int renewals = 0;
        using var stop = new CancellationTokenSource();
        Task watch = new CertificateWatch(() => config, () => certificates, () => Interlocked.Increment(ref renewals), events, _clock).RunAsync(stop.Token);
        _clock.Advance(CertificateWatch.Interval);
        await UntilAsync(() => renewals == 1);
        Assert.Empty(told.Warnings);
        _clock.SetWall(TimeSpan.FromDays(3640));
        await UntilAsync(() =>
        {
            _clock.Advance(CertificateWatch.Interval);
            return !told.Warnings.IsEmpty;
        });
        OperatorWarning warning = told.Warnings.First();
        Assert.Equal("tls", warning.Subsystem);
        Assert.StartsWith($"smtpd.conf:1:5: warning: pki *: the certificate ({_state.Certificates}/default.pem) expires on ", warning.Text, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
            await Task.Delay(10, limit.Token);
    }

    private sealed class Told : IEventReader
    {
        public System.Collections.Concurrent.ConcurrentQueue<OperatorWarning> Warnings { get; } = new();

        public void On(MailEvent mailEvent)
        {
            if (mailEvent is OperatorWarning warning)
                Warnings.Enqueue(warning);
        }
    }
}
