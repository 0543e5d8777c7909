using System.Net;
using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables;

public sealed class PatternTests
{
    [Theory]
    [InlineData("example.org", "example.org", true)]
    [InlineData("*.example.org", "a.example.org", true)]
    [InlineData("*.example.org", "example.org", false)]
    [InlineData("*.example.org", "a.b.example.org", false)]
    [InlineData("*", "any.thing", true)]
    [InlineData("mx*.example.org", "mx12.example.org", true)]
    [InlineData("example.*", "example.net", true)]
    [InlineData("example.org", "badexample.org", false)]
    [InlineData("", "x", false)]
    public void A_star_in_a_domain_ends_at_the_next_character(string pattern, string domain, bool matches) =>
        Assert.Equal(matches, PatternText.DomainMatches(domain, pattern));

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.1.2", true)]
    [InlineData("10/8", "10.1.2.3", true)]
    [InlineData("127.0.0.64/26", "127.0.0.77", true)]
    [InlineData("127.0.0.64/26", "127.0.0.9", false)]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.77", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "192.0.2.1", false)]
    [InlineData("[2001:db8::]/32", "2001:db8:1::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("IPv6:::1", "::1", true)]
    [InlineData("[IPv6:::1]", "::1", true)]
    [InlineData("0.0.0.0/0", "::ffff:8.8.8.8", true)]
    public void E52_networks_contain_addresses_in_canonical_form(string network, string address, bool contains)
    {
        Assert.True(NetworkPrefix.TryParse(network, out NetworkPrefix prefix));
        Assert.Equal(contains, prefix.Contains(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0")]
    [InlineData("0x7f.1")]
    [InlineData("1.2.3.4.5")]
    [InlineData("::1/129")]
    [InlineData("fe80::1%eth0")]
    [InlineData("host.test")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("")]
    [InlineData("/8")]
    public void What_is_no_network_is_refused(string text) => Assert.False(NetworkPrefix.TryParse(text, out _));

    [Theory]
    [InlineData(@"^bad\.", "bad.rdns.test", true)]
    [InlineData(@"^bad\.", "goodbad.test", false)]
    [InlineData("(?i)SPAM", "some spam", true)]
    [InlineData("^[[:alpha:]]+[[:digit:]]{2,}$", "host42", true)]
    [InlineData("^[[:alpha:]]+[[:digit:]]{2,}$", "host4", false)]
    [InlineData("^[]x]+$", "]x]", true)]
    [InlineData("^[^]x]+$", "]", false)]
    [InlineData(@"[\]$", @"a\", true)]
    public void Extended_regular_expressions_mean_what_posix_says(string pattern, string text, bool matches)
    {
        Assert.True(PatternText.TryRegex(pattern, out System.Text.RegularExpressions.Regex? regex));
        Assert.Equal(matches, regex.IsMatch(text));
    }

    [Theory]
    [InlineData("(open")]
    [InlineData("[open")]
    [InlineData("[[:nosuch:]]")]
    [InlineData("(?=x)y")]
    public void E60_a_broken_expression_is_told_and_none_backtracks(string pattern) => Assert.False(PatternText.TryRegex(pattern, out _));

    [Fact]
    public void Any_text_is_tried_as_a_pattern_without_an_exception() =>
        Prop.ForAll<string, string>((pattern, text) =>
        {
            PatternText.TryRegex(pattern ?? "", out _);
            NetworkPrefix.TryParse(pattern ?? "", out _);
            PatternText.DomainMatches(text ?? "", pattern ?? "");
        }).QuickCheckThrowOnFailure();
}
