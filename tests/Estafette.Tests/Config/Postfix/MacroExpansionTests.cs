using Estafette.Config.Dialects.Postfix;

namespace Estafette.Tests.Config.Postfix;

/// <summary>Names in values are replaced as postconf(5) describes; the expectations were asked of Postfix 3.7.11.</summary>
public sealed class MacroExpansionTests
{
    private static readonly Dictionary<string, string> s_values = new(StringComparer.Ordinal)
    {
        ["a"] = "A",
        ["empty"] = "",
        ["b"] = "$a$a",
        ["loop"] = "$pool",
        ["pool"] = "$loop",
        ["level"] = "3.6",
        ["ten"] = "10",
        ["wide0"] = new string('x', 5000),
        ["wide1"] = "$wide0$wide0$wide0$wide0$wide0$wide0",
        ["wide2"] = "$wide1$wide1$wide1$wide1$wide1$wide1",
        ["wide3"] = "$wide2$wide2$wide2$wide2$wide2$wide2",
    };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$a-${a}-$(a)", "A-A-A")]
    [InlineData("$b.", "AA.")]
    [InlineData("$none|$empty", "|")]
    [InlineData("$$a", "$a")]
    [InlineData("${a?yes}${empty?no}${none?no}", "yes")]
    [InlineData("${a:no}${empty:yes}${none:yes}", "yesyes")]
    [InlineData("${a?{yes}:{no}} ${none ? {yes} : {no}}", "yes no")]
    [InlineData("${a?${b}}", "AA")]
    [InlineData("${a??foo:{b}ar}", "?foo:{b}ar")]
    [InlineData("${{$a} == {A} ? {same} : {other}}", "same")]
    [InlineData("${{$a} != {A} ? {other} : {same}}", "same")]
    [InlineData("${{9} < {$ten} ? {number} : {text}}", "number")]
    [InlineData("${{9x} < {$ten} ? {number} : {text}}", "text")]
    [InlineData("${{$ten} >= {10}}", "true")]
    [InlineData("${{$ten} > {10}}", "")]
    [InlineData("${{$level} <level {3.10} ? {below} : {above}}", "below")]
    [InlineData("${{$level} >=level {3.6} ? {yes} : {no}}", "yes")]
    public void Names_become_values(string text, string expected) => Assert.Equal(expected, MacroExpansion.Expand(text, s_values.GetValueOrDefault, out _));

    [Theory]
    [InlineData("${a", "truncated macro reference: \"${a\"")]
    [InlineData("a $ b", "empty macro name: \"a $ b\"")]
    [InlineData("${a-b}", "attribute name syntax error at: \"...a>>>-b\"")]
    [InlineData("${a?{x}y}", "\":\" expected at: \"...x}>>>y\"")]
    [InlineData("${{$a} = {b}?x}", "\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: \"...$a}>>>= {b}?x\"")]
    [InlineData("${{x} <level {3} ? {a} : {b}}", "malformed compatibility level syntax: \"x\"")]
    public void What_cannot_be_read_is_told_as_Postfix_does(string text, string problem)
    {
        Assert.Null(MacroExpansion.Expand(text, s_values.GetValueOrDefault, out string? told));
        Assert.Equal(problem, told);
    }

    [Theory]
    [InlineData("$loop")]
    [InlineData("$wide3")]
    public void Values_that_name_each_other_or_grow_without_end_stop(string text)
    {
        Assert.Null(MacroExpansion.Expand(text, s_values.GetValueOrDefault, out string? problem));
        Assert.NotNull(problem);
    }
}
