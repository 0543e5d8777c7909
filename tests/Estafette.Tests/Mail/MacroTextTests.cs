using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class MacroTextTests
{
    private static string? Value(string name) => name switch { "user" => "alice", "empty" => "", "ext" => "x", _ => null };

    [Theory]
    [InlineData("$user", "alice")]
    [InlineData("${user}+$(ext)", "alice+x")]
    [InlineData("a$$b", "a$b")]
    [InlineData("${ext?+$ext}${empty?no}", "+x")]
    [InlineData("${empty:none}${user:no}", "none")]
    [InlineData("${ext?{yes}:{no}}${empty?{yes}:{no $user}}", "yesno alice")]
    [InlineData("/home/$user/.forward", "/home/alice/.forward")]
    [InlineData("5$", "5$")]
    public void Macros_are_filled_in(string template, string expected)
    {
        MacroText.Expansion expansion = MacroText.Expand(template, Value);
        Assert.Equal((expected, (string?)null), (expansion.Text, expansion.Error));
    }

    [Theory]
    [InlineData("$empty", true)]
    [InlineData("${empty?x}", false)]
    [InlineData("$user", false)]
    public void A_plain_macro_without_value_is_told(string template, bool expected) => Assert.Equal(expected, MacroText.Expand(template, Value).IsUndefined);

    [Theory]
    [InlineData("$nosuch")]
    [InlineData("${user")]
    [InlineData("${}")]
    [InlineData("$ x")]
    [InlineData("${user!x}")]
    public void What_is_no_macro_is_an_error(string template) => Assert.NotNull(MacroText.Expand(template, Value).Error);

    [Fact]
    public void Nothing_makes_it_throw() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), text =>
    {
        MacroText.Expand(text ?? "", Value);
        MacroText.Expand("${user?{" + text + "}:" + text, Value);
        MacroText.NamesIn("$" + text);
    }).QuickCheckThrowOnFailure();
}
