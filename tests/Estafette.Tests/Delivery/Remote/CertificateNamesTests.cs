using Estafette.Config.Model;
using Estafette.Delivery.Remote;

namespace Estafette.Tests.Delivery.Remote;

public sealed class CertificateNamesTests
{
    [Theory]
    [InlineData("mx.example.org", "mx.example.org", true)]
    [InlineData("MX.Example.org.", "mx.example.ORG", true)]
    [InlineData("*.example.org", "mx.example.org", true)]
    [InlineData("*.example.org", "a.mx.example.org", false)]
    [InlineData("*.example.org", "example.org", false)]
    [InlineData("*.org", "example.org", false)]
    [InlineData("m*.example.org", "mx.example.org", false)]
    [InlineData("*", "mx", false)]
    [InlineData("mx.example.org.evil.test", "mx.example.org", false)]
    [InlineData("evilexample.org", "example.org", false)]
    [InlineData("mx.example.org", ".example.org", true)]
    [InlineData("*.example.org", ".example.org", true)]
    [InlineData("a.b.example.org", ".example.org", true)]
    [InlineData("example.org", ".example.org", false)]
    [InlineData("evilexample.org", ".example.org", false)]
    [InlineData("192.0.2.1", "192.0.2.1", false)]
    public void A_name_fits_as_RFC_6125_says_and_a_dot_takes_what_is_below(string certificate, string wanted, bool fits) =>
        Assert.Equal(fits, CertificateNames.Of(certificate).Fit(TlsName.Parse(wanted)!.Value));

    [Theory]
    [InlineData(TlsLevel.Verify, "", "mx.example.net")]
    [InlineData(TlsLevel.Secure, "", "example.org .example.org")]
    [InlineData(TlsLevel.Secure, "nexthop hostname .other.test x.test", "example.org mx.example.net .other.test x.test")]
    public void The_level_s_usual_names_hold_where_none_are_given(TlsLevel level, string names, string expected)
    {
        var policy = new TlsPolicy { Level = level, Names = [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(n => TlsName.Parse(n)!.Value)] };
        var target = new RelayEndPoint("mx.example.net", new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 25)) { NextHop = "example.org" };
        Assert.Equal(expected, string.Join(' ', ClientTls.NamesOf(policy, target)));
    }
}
