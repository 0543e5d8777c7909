using Estafette.Config.Dialects.Qmail;

namespace Estafette.Tests.Config.Qmail;

public class SmtpRouteTests
{
    [Theory]
    [InlineData("a.test:one.sink.test:2525", "a.test", "one.sink.test", 2525)]
    [InlineData(".A.test:[127.0.0.20]:2525", ".a.test", "[127.0.0.20]", 2525)]
    [InlineData("direct.test:", "direct.test", "", 25)]
    [InlineData(":[127.0.0.21]", "", "[127.0.0.21]", 25)]
    [InlineData(":smtp.orange.fr:", "", "smtp.orange.fr", 25)]
    [InlineData(":[2001:db8::1]:587", "", "[2001:db8::1]", 587)]
    public void A_line_names_domain_relay_and_port(string line, string domain, string relay, int port)
    {
        Assert.True(SmtpRoute.TryParse(line, out SmtpRoute? route, out _));
        Assert.Equal((domain, relay, port, false), (route!.Domain, route.Relay, route.Port, route.WithoutColon));
    }

    [Fact]
    public void Q14_The_articles_line_without_a_colon_routes_all_mail_with_its_login()
    {
        Assert.True(SmtpRoute.TryParse("smtp.orange.fr user@orange.fr secret", out SmtpRoute? route, out _));
        Assert.Equal(("", "smtp.orange.fr", 25, "user@orange.fr", "secret", true), (route!.Domain, route.Relay, route.Port, route.User, route.Password, route.WithoutColon));
    }

    [Fact]
    public void Q14_The_line_that_the_patches_read()
    {
        Assert.True(SmtpRoute.TryParse(":smtp.orange.fr:587\tuser  secret", out SmtpRoute? route, out _));
        Assert.Equal(("", "smtp.orange.fr", 587, "user", "secret", false), (route!.Domain, route.Relay, route.Port, route.User, route.Password, route.WithoutColon));
    }

    [Fact]
    public void E54_A_password_is_never_shown()
    {
        SmtpRoute.TryParse(":h u secret", out SmtpRoute? route, out _);
        Assert.DoesNotContain("secret", route!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(":h user", "without a password")]
    [InlineData(":h u p more", "behind the password")]
    [InlineData(":h:smtp", "port")]
    [InlineData(":h:70000", "port")]
    public void What_cannot_be_meant_is_told(string line, string problem)
    {
        Assert.False(SmtpRoute.TryParse(line, out _, out string told));
        Assert.Contains(problem, told, StringComparison.Ordinal);
    }
}
