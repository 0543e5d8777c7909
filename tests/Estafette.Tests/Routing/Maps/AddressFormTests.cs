using Estafette.Mail;
using Estafette.Routing.Maps;

namespace Estafette.Tests.Routing.Maps;

/// <summary>trivial-rewrite(8) and ADDRESS_REWRITING_README: the form of addresses, and what they come to. The right sides are what Postfix 3.7.11 did.</summary>
public sealed class AddressFormTests
{
    private const string Other = """
        append_dot_mydomain = yes
        resolve_numeric_domain = yes
        allow_percent_hack = no
        swap_bangpath = no
        resolve_null_domain = yes
        allow_min_user = yes
        myorigin = $mydomain
        """;

    [Theory]
    [InlineData("plain", "plain@mx.here.test")]
    [InlineData("plain@short", "plain@short")]
    [InlineData("a%b", "a@b")]
    [InlineData("a%b@mx.here.test", "a@b")]
    [InlineData("a%b@remote.test", "a%b@remote.test")]
    [InlineData("host!user", "user@host")]
    [InlineData("host!user@mx.here.test", "user@host")]
    [InlineData("h1!h2!user", "h2!user@h1")]
    [InlineData("a%b%c@mx.here.test", "a%b@c")]
    [InlineData("a!b%c@mx.here.test", "b%c@a")]
    [InlineData("\"a@b.test\"@mx.here.test", "a@b.test")]
    [InlineData("\"a@b.test\"", "a@b.test")]
    [InlineData("\"a%b.test\"@mx.here.test", "a@b.test")]
    [InlineData("\"b.test!a\"@mx.here.test", "a@b.test")]
    [InlineData("\"a b\"@mx.here.test", "\"a b\"@mx.here.test")]
    [InlineData("\"a b\"@remote.test", "\"a b\"@remote.test")]
    [InlineData("a.b.@remote.test", "\"a.b.\"@remote.test")]
    [InlineData("x@remote.test.", "x@remote.test")]
    [InlineData("@mx.here.test", "MAILER-DAEMON@mx.here.test")]
    [InlineData("\"\"@mx.here.test", "MAILER-DAEMON@mx.here.test")]
    [InlineData("x@[127.0.0.1]", "x@[127.0.0.1]")]
    [InlineData("x@[127.0.0.77]", "x@[127.0.0.77]")]
    [InlineData("x@[IPv6:::1]", "x@[IPv6:::1]")]
    [InlineData("x@under_score.test", "x@under_score.test")]
    [InlineData("Upper@Remote.Test", "Upper@Remote.Test")]
    [InlineData("@mx.here.test,@other.test:y@remote.test", "y@remote.test")]
    [InlineData("al\\ice@here.test", "alice@here.test")]
    [InlineData("a(comment)b@remote.test", "\"a b\"@remote.test")]
    public void E27_the_usual_settings(string written, string resolved) => Assert.Equal(resolved, Resolved("", written));

    [Theory]
    [InlineData("plain", "plain@here.test")]
    [InlineData("plain@short", "plain@short.here.test")]
    [InlineData("a%b", "a%b@here.test")]
    [InlineData("a%b@mx.here.test", "a%b@mx.here.test")]
    [InlineData("host!user", "host!user@here.test")]
    [InlineData("host!user@mx.here.test", "host!user@mx.here.test")]
    [InlineData("\"a@b.test\"@mx.here.test", "a@b.test")]
    [InlineData("\"a%b.test\"@mx.here.test", "a%b.test@mx.here.test")]
    [InlineData("\"b.test!a\"@mx.here.test", "b.test!a@mx.here.test")]
    [InlineData("x@1.2.3.4", "x@[1.2.3.4]")]
    [InlineData("x@123", "x@123.here.test")]
    [InlineData("a@", "a@mx.here.test")]
    [InlineData("-dash@mx.here.test", "-dash@mx.here.test")]
    public void E27_other_settings(string written, string resolved) => Assert.Equal(resolved, Resolved(Other, written));

    [Theory]
    [InlineData("x@1.2.3.4")]
    [InlineData("x@123")]
    [InlineData("x@[bogus]")]
    [InlineData("x@-bad.test")]
    [InlineData("x@bad-.test")]
    [InlineData("x@bad..test")]
    [InlineData("a@")]
    [InlineData("a@@here.test")]
    [InlineData("-dash@mx.here.test")]
    [InlineData("-dash@remote.test")]
    [InlineData("x@[IPv6:127.0.0.1]")]
    [InlineData("x@[::1]")]
    public void E27_what_is_no_address_leads_nowhere(string written) => Assert.Equal("Malformed", new MapHouse().Way(written));

    [Theory]
    [InlineData("", "plain", "plain")]
    [InlineData("remote_header_rewrite_domain = away.invalid", "plain", "plain@away.invalid")]
    [InlineData("remote_header_rewrite_domain = away.invalid", "a@here.test", "a@here.test")]
    [InlineData("append_at_myorigin = no", "plain", "plain")]
    public void Headers_of_strangers_get_a_domain_of_their_own(string main, string written, string rewritten) =>
        Assert.Equal(rewritten, new MapHouse(main).Router.Rewriter.Read(written, RewriteContext.Remote).ToString());

    [Fact]
    public void A_usual_address_comes_back_as_it_is()
    {
        var address = new MailAddress("alice", "here.test");
        Assert.Same(address, new MapHouse().Router.Rewriter.Rewrite(address, RewriteContext.Local));
    }

    [Theory]
    [InlineData("a%b@remote.test", true)]
    [InlineData("b!a@remote.test", true)]
    [InlineData("a@remote.test", false)]
    [InlineData("a%remote.test@here.test", false)]
    public void E27_routes_that_others_would_follow_are_known(string written, bool routed) => Assert.Equal(routed, new MapHouse().Resolve(written).IsRouted);

    private static string Resolved(string main, string written)
    {
        Resolution resolution = new MapHouse(main).Resolve(written);
        Assert.Equal(ResolutionProblem.None, resolution.Problem);
        return resolution.Address.ToString();
    }
}
