using global::Estafette.Config.Model;
using global::Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

/// <summary>What a client may say in its hello to break the server that reads it.</summary>
public sealed class HostileTlsClientTests
{
    /// <summary>The name is whatever octets the client likes: no name of ours, and no fault of ours either.</summary>
    [Theory]
    [InlineData("a b.test")]
    [InlineData("a_b.test")]
    [InlineData("mx.test.")]
    [InlineData("-")]
    [InlineData("..")]
    [InlineData("*.test")]
    [InlineData("mx.test\nfaked line")]
    [InlineData("\u00e4\uffff.test")]
    [InlineData("xn--a.test")]
    [InlineData("[::1]")]
    public void E12_any_name_in_the_hello_gets_a_certificate(string asked)
    {
        IdentityPem pem = TestIdentity.Create();
        var config = new MailConfig { Dialect = Dialect.OpenSmtpd, Source = "smtpd.conf", HostName = "mx.test" };
        ServerCertificates certificates = ServerCertificates.FromPem(config, [pem], out _);
        var listener = new ListenerConfig { EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), Spec = "x", At = SourceSpan.None, HostName = "mx.test", Identities = [pem.Name] };
        Assert.NotNull(certificates.Choose(listener, asked));
        Assert.NotNull(certificates.Choose(listener, new string('x', 300) + ".test"));
    }
}
