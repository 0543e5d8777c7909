using System.Text;
using Estafette.Smtp;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Smtp;

public sealed class DotStufferTests
{
    /// <summary>Pieces that make the interesting pairs frequent, and long ones that reach the vector loop.</summary>
    private static readonly Gen<byte[]> Text = Gen.Elements("\r", "\n", "\r\n", ".", "..", "\r\n.", "\n.", "\r.", "a", " ", "\0", "\xff", "a line that is long enough for a vector and a bit\r\n", new string('x', 40))
        .ListOf().Select(l => Encoding.Latin1.GetBytes(string.Concat(l)));

    [Theory]
    [InlineData("", ".\r\n")]
    [InlineData(".", "..\r\n.\r\n")]
    [InlineData("a", "a\r\n.\r\n")]
    [InlineData("a\r\n", "a\r\n.\r\n")]
    [InlineData("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r\n.b\r\n", "a\r\n..b\r\n.\r\n")]
    [InlineData("a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\n\nb", "a\r\n\r\nb\r\n.\r\n")]
    [InlineData("a\r.\rb\r", "a . b \r\n.\r\n")]
    [InlineData("a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r\n.\rb\r\n", "a\r\n.. b\r\n.\r\n")]
    [InlineData("a\r\r\nb\r\n", "a \r\nb\r\n.\r\n")]
    public void E4_only_CRLF_ends_a_line_and_leading_dots_are_doubled(string stored, string sent) =>
        Assert.Equal(sent, Encoding.Latin1.GetString(Encode(Encoding.Latin1.GetBytes(stored), stuff: true, [], 4096)));

    [Fact]
    public void The_same_octets_come_out_however_they_are_cut()
    {
        Prop.ForAll(Text.ToArbitrary(), Gen.Choose(1, 70).ListOf().ToArbitrary(), Gen.Choose(DotStuffer.MinimumRoom, 100).ToArbitrary(), (text, cuts, room) =>
            Encode(text, true, [.. cuts], room).AsSpan().SequenceEqual(Reference(text, stuff: true))
            && Encode(text, false, [.. cuts], room).AsSpan().SequenceEqual(Reference(text, stuff: false))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void E4_nothing_that_any_server_takes_for_the_end_stands_before_the_end()
    {
        Prop.ForAll(Text.ToArbitrary(), text =>
        {
            string sent = Encoding.Latin1.GetString(Encode(text, stuff: true, [], 4096));
            string body = "\n" + sent[..^3];
            return sent.EndsWith(".\r\n", StringComparison.Ordinal) && !body.Replace("\r\n", "", StringComparison.Ordinal).AsSpan(1).ContainsAny('\r', '\n')
                && !body.Contains("\n.\r\n", StringComparison.Ordinal);
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>The rule, written as slowly as one reads it.</summary>
    private static byte[] Reference(byte[] text, bool stuff)
    {
        string s = Encoding.Latin1.GetString(text).Replace("\r\n", "\u0100", StringComparison.Ordinal).Replace('\n', '\u0100').Replace('\r', ' ');
        List<string> lines = [.. s.Split('\u0100')];
        if (lines[^1].Length == 0)
            lines.RemoveAt(lines.Count - 1);
        string sent = string.Concat(lines.Select(l => (stuff && l.StartsWith('.') ? "." : "") + l + "\r\n")) + (stuff ? ".\r\n" : "");
        return Encoding.Latin1.GetBytes(sent);
    }

    private static byte[] Encode(byte[] text, bool stuff, int[] cuts, int room)
    {
        var stuffer = new DotStuffer(stuff);
        using var output = new MemoryStream();
        byte[] buffer = new byte[room];
        int cut = 0;
        for (int from = 0; from < text.Length;)
        {
            int length = Math.Min(cuts.Length == 0 ? text.Length : cuts[cut++ % cuts.Length], text.Length - from);
            stuffer.Encode(text.AsSpan(from, length), buffer, out int consumed, out int written);
            Assert.True(consumed > 0);
            output.Write(buffer, 0, written);
            from += consumed;
        }
        byte[] end = new byte[DotStuffer.FinishRoom];
        output.Write(end, 0, stuffer.Finish(end));
        return output.ToArray();
    }
}
