using System.Text;
using Estafette.Local;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Local;

public sealed class UnixTextTests
{
    [Theory]
    [InlineData("a\r\nb\r\n", "a\nb\n")]
    [InlineData("a\rb\r", "a\rb\r")]
    [InlineData("\r\r\n\r", "\r\n\r")]
    [InlineData("From x\r\n", "From x\n")]
    public void P22_only_crlf_changes(string given, string expected) => Assert.Equal(expected, Convert(given, false, given.Length));

    [Theory]
    [InlineData("From x\r\n From y\r\n>From z\r\nFrom\r\nFrom \r\nFro", ">From x\n From y\n>From z\nFrom\n>From \nFro")]
    [InlineData("\r\nFrom a\nFrom b", "\n>From a\n>From b")]
    [InlineData("FFrom \rFrom x", "FFrom \rFrom x")]
    public void From_at_the_start_of_a_line_is_quoted(string given, string expected) => Assert.Equal(expected, Convert(given, true, given.Length));

    [Fact]
    public void Any_split_gives_the_same_text_and_no_line_looks_like_a_separator()
    {
        Gen<string> texts = Gen.Elements("From ", "F", "Fro", "\r\n", "\r", "\n", "x", ">", " ", "From").ListOf().Select(string.Concat);
        var cases = from text in texts from step in Gen.Choose(1, 7) select (text, step);
        Prop.ForAll(Arb.From(cases), c =>
        {
            string whole = Convert(c.text, true, Math.Max(1, c.text.Length));
            Assert.Equal(whole, Convert(c.text, true, c.step));
            Assert.DoesNotContain(whole.Split('\n'), l => l.StartsWith("From ", StringComparison.Ordinal));
            AssertOnlyQuotesAdded(whole, c.text);
        }).QuickCheckThrowOnFailure();
    }

    private static void AssertOnlyQuotesAdded(string quoted, string original)
    {
        string[] lines = quoted.Split('\n'), plain = Convert(original, false, Math.Max(1, original.Length)).Split('\n');
        Assert.Equal(plain.Length, lines.Length);
        for (int i = 0; i < lines.Length; i++)
            Assert.Equal(plain[i].StartsWith("From ", StringComparison.Ordinal) ? ">" + plain[i] : plain[i], lines[i]);
    }

    private static string Convert(string given, bool quote, int step)
    {
        var text = new UnixText();
        text.Reset(quote);
        byte[] input = Encoding.ASCII.GetBytes(given), output = new byte[32];
        var result = new StringBuilder();
        for (int start = 0; start < input.Length;)
        {
            text.Convert(input.AsSpan(start, Math.Min(step, input.Length - start)), output, out int consumed, out int written);
            result.Append(Encoding.ASCII.GetString(output, 0, written));
            start += consumed;
        }
        result.Append(Encoding.ASCII.GetString(output, 0, text.Finish(output)));
        Assert.Equal(result.Length == 0 || result[^1] == '\n', text.AtLineStart);
        return result.ToString();
    }
}
