using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class SaslServerTests
{
    [Theory]
    [InlineData("\0alice\0secret")]
    [InlineData("alice\0alice\0secret")]
    public void Plain_has_a_login_and_a_password(string text)
    {
        var claim = Assert.IsType<SaslStep.Claim>(Feed("PLAIN", text));
        Assert.Equal(("alice", "secret"), (claim.Login, Encoding.UTF8.GetString(claim.Password)));
        Assert.DoesNotContain("secret", claim.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("\0alice")]
    [InlineData("\0\0secret")]
    [InlineData("\0alice\0")]
    [InlineData("\0alice\0sec\0ret")]
    [InlineData("bob\0alice\0secret")]
    [InlineData("")]
    public void E10_plain_has_exactly_two_nuls(string text) => Assert.IsType<SaslStep.Malformed>(Feed("PLAIN", text));

    [Fact]
    public void Login_asks_twice()
    {
        SaslServer login = SaslServer.Create("login"u8)!;
        Assert.Equal("Username:", Encoding.ASCII.GetString(Convert.FromBase64String(Assert.IsType<SaslStep.Challenge>(login.Start()).Base64)));
        Assert.Equal("Password:", Encoding.ASCII.GetString(Convert.FromBase64String(Assert.IsType<SaslStep.Challenge>(login.Feed("YWxpY2U="u8)).Base64)));
        Assert.Equal("alice", Assert.IsType<SaslStep.Claim>(login.Feed("c2VjcmV0"u8)).Login);
    }

    [Fact]
    public void A_star_cancels() => Assert.IsType<SaslStep.Cancelled>(SaslServer.Create("PLAIN"u8)!.Feed("*"u8));

    [Fact]
    public void E10_nothing_makes_the_decoder_throw() =>
        Prop.ForAll(Gen.ArrayOf(Gen.Elements("AB=+/ \r*\0\xff"u8.ToArray())).ToArbitrary(), octets =>
        {
            SaslServer.Create("PLAIN"u8)!.Feed(octets);
            SaslServer.Create("LOGIN"u8)!.Feed(octets);
            return true;
        }).QuickCheckThrowOnFailure();

    private static SaslStep Feed(string mechanism, string text) =>
        SaslServer.Create(Encoding.ASCII.GetBytes(mechanism))!.Feed(Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(text))));
}
