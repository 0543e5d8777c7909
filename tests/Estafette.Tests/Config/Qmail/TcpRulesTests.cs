using System.Net;
using Estafette.Config.Dialects.Qmail;
using Estafette.Config.Model;

namespace Estafette.Tests.Config.Qmail;

public class TcpRulesTests
{
    private static Dictionary<string, string> Parse(params string[] lines) =>
        new(TcpRules.Parse(lines, (number, problem) => throw new InvalidOperationException($"{number}: {problem}")), StringComparer.Ordinal);

    private static ClientRule Find(Dictionary<string, string> rules, string address, string? host = null) =>
        ClientRule.Keys(IPAddress.Parse(address), host).Where(rules.ContainsKey).Select(key => ClientRule.Decode(rules[key])).FirstOrDefault(ClientRule.Default);

    [Theory]
    [InlineData("127.0.0.1", null, "exact")]
    [InlineData("127.0.0.2", null, "127.0.0.")]
    [InlineData("127.9.0.2", null, "127.")]
    [InlineData("10.0.0.5", null, "range")]
    [InlineData("10.0.0.8", null, "any")]
    [InlineData("10.0.0.8", "Mail.Example.org", "host")]
    [InlineData("10.0.0.8", "www.example.org", "domain")]
    [InlineData("10.0.0.8", "www.example.net", "named")]
    [InlineData("2001:db8::1", null, "six")]
    public void Q11_The_most_specific_rule_decides(string address, string? host, string which)
    {
        Dictionary<string, string> rules = Parse(
            "# comment", "", "127.0.0.1:allow,WHICH=\"exact\"", "127.0.0.:allow,WHICH=\"127.0.0.\"", "127.:allow,WHICH=/127./", "10.0.0.4-6:allow,WHICH=\"range\"",
            "=mail.example.org:allow,WHICH=\"host\"", "=.example.org:allow,WHICH=\"domain\"", "=:allow,WHICH=\"named\"", "2001:db8::1:allow,WHICH=\"six\"", ":allow,WHICH=\"any\"");
        Assert.Equal(which, Find(rules, address, host).Environment["WHICH"]);
    }

    [Fact]
    public void Several_variables_and_an_empty_value()
    {
        ClientRule rule = Find(Parse("1.2.3.4:allow,RELAYCLIENT=\"\",DATABYTES=\"100000\""), "1.2.3.4");
        Assert.True(rule.Allowed);
        Assert.Equal(("", "100000"), (rule.Environment["RELAYCLIENT"], rule.Environment["DATABYTES"]));
    }

    [Fact]
    public void Denied_is_denied_and_who_is_not_named_may_come()
    {
        Dictionary<string, string> rules = Parse("127.0.0.66:deny");
        Assert.False(Find(rules, "127.0.0.66").Allowed);
        Assert.True(Find(rules, "127.0.0.67").Allowed);
    }

    [Theory]
    [InlineData("127.0.0.1", "no colon")]
    [InlineData("127.0.0.1:accept", "allow")]
    [InlineData("127.0.0.1:allow;RELAYCLIENT=\"\"", "variables only")]
    [InlineData("127.0.0.1:allow,RELAYCLIENT=\"", "does not end")]
    public void A_wrong_line_is_told_with_its_number_and_the_others_count(string wrong, string problem)
    {
        var told = new List<(int, string)>();
        IReadOnlyList<KeyValuePair<string, string>> rules = TcpRules.Parse([":deny", wrong], (number, text) => told.Add((number, text)));
        (int number, string text) = Assert.Single(told);
        Assert.Equal(2, number);
        Assert.Contains(problem, text, StringComparison.Ordinal);
        Assert.Single(rules);
    }
}
