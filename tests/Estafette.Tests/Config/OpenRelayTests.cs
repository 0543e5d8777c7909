using Estafette.Config;

namespace Estafette.Tests.Config;

/// <summary>E52: what relays for strangers is refused, and what does not is left alone.</summary>
public sealed class OpenRelayTests
{
    private const string Head = """
        pki mx.example.org cert "/c.crt"
        pki mx.example.org key "/c.key"
        table creds { a = b }
        listen on pcn0
        listen on pcn0 port 587 tls-require auth <creds> tag SUBMISSION
        listen on lo port 10028 tag DKIM
        listen on pcn0 port 2525 tag OPEN
        action "out" relay
        action "in" mbox
        action "lmtp" relay host lmtp://127.0.0.1:24

        """;

    private static ConfigResult Read(string rule) => Conf.Read(Head + rule, new MachineInMemory().With("/c.crt", "").With("/c.key", "", "600"));

    [Theory]
    [InlineData("match from any for any action \"out\"")]
    [InlineData("match ! from local for any action \"out\"")]
    [InlineData("match ! from socket for any action \"out\"")]
    [InlineData("match from src 0.0.0.0/0 for any action \"out\"")]
    [InlineData("match from src { 10.0.0.0/8, \"::/0\" } for any action \"out\"")]
    [InlineData("match from src { 0.0.0.0/1, 128.0.0.0/1 } for any action \"out\"")]
    [InlineData("match ! from src 192.0.2.0/24 for any action \"out\"")]
    [InlineData("match from src regex { \".*\" } for any action \"out\"")]
    [InlineData("match from rdns for any action \"out\"")]
    [InlineData("match from mail-from \"boss@example.org\" for any action \"out\"")]
    [InlineData("match from any helo \"friend\" for any action \"out\"")]
    [InlineData("match from any mail-from \"@example.org\" for any action \"out\"")]
    [InlineData("match from any tls for any action \"out\"")]
    [InlineData("match from any ! auth for any action \"out\"")]
    [InlineData("match from any tag OPEN for any action \"out\"")]
    [InlineData("match from any ! tag DKIM for any action \"out\"")]
    [InlineData("match from any for domain \"*\" action \"out\"")]
    [InlineData("match from any for domain regex \".\" action \"out\"")]
    [InlineData("match from any ! for local action \"out\"")]
    [InlineData("match from any ! for domain example.org action \"out\"")]
    [InlineData("match from src 10.0.0.0/8 for any reject\nmatch from any for any action \"out\"")]
    [InlineData("match from any helo \"x\" for any reject\nmatch from any for any action \"out\"")]
    public void E52_a_rule_that_relays_for_strangers_is_refused(string rule)
    {
        ConfigResult result = Read(rule);
        Assert.Null(result.Config);
        Assert.Contains("open relay", Conf.Printed(result), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("match for any action \"out\"")]
    [InlineData("match from local for any action \"out\"")]
    [InlineData("match from socket for any action \"out\"")]
    [InlineData("match from auth for any action \"out\"")]
    [InlineData("match from any auth for any action \"out\"")]
    [InlineData("match from src 127.0.0.0/8 for any action \"out\"")]
    [InlineData("match from src { 192.0.2.0/24, 10.0.0.0/8 } for any action \"out\"")]
    [InlineData("match from rdns \"*.example.org\" for any action \"out\"")]
    [InlineData("match from any tag SUBMISSION for any action \"out\"")]
    [InlineData("match from any tag DKIM for any action \"out\"")]
    [InlineData("match from any for domain example.org action \"out\"")]
    [InlineData("match from any for rcpt-to { \"a@example.org\" } action \"out\"")]
    [InlineData("match from any for any action \"in\"")]
    [InlineData("match from any for any action \"lmtp\"")]
    [InlineData("match from any for any reject\nmatch from any for any action \"out\"")]
    [InlineData("match ! from local for any reject\nmatch from any for any action \"out\"")]
    public void E52_a_rule_that_strangers_cannot_use_is_left_alone(string rule)
    {
        ConfigResult result = Read(rule);
        Assert.NotNull(result.Config);
        Assert.DoesNotContain("anybody", Conf.Printed(result), StringComparison.Ordinal);
    }

    [Fact]
    public void E52_it_may_be_said_in_so_many_words()
    {
        ConfigResult result = Read("match from any for any open-relay action \"out\"");
        Assert.NotNull(result.Config);
        Assert.Contains("warning: this rule relays mail of anybody to anywhere, as it says (`open-relay`)", Conf.Printed(result), StringComparison.Ordinal);
        Assert.NotNull(Conf.Read("listen on all\naccept from any for any relay open-relay").Config);
        Assert.NotNull(Conf.Read("listen on all\naccept from any open-relay for any relay").Config);
    }

    [Fact]
    public void E52_on_loopback_there_are_no_strangers_unless_a_proxy_brings_them()
    {
        const string Rule = "\naction \"out\" relay\nmatch from any for any action \"out\"\n";
        ConfigResult result = Conf.Read("listen on lo" + Rule);
        Assert.NotNull(result.Config);
        Assert.Contains("only the loopback listeners keep strangers out", Conf.Printed(result), StringComparison.Ordinal);
        Assert.Null(Conf.Read("listen on lo proxy-v2" + Rule).Config);
    }

    [Theory]
    [InlineData("accept from any for any relay")]
    [InlineData("accept from any for any relay via smtp://relay.example.org")]
    [InlineData("accept from ! local for any relay")]
    [InlineData("accept from source 0.0.0.0/0 for any relay")]
    [InlineData("accept from any for any relay backup")]
    [InlineData("accept from any sender \"@example.org\" for any relay")]
    public void E52_in_the_old_grammar_too(string rule) => Assert.Null(Conf.Read("listen on all\n" + rule).Config);
}
