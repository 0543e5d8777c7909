using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class DataDecoderTests
{
    private const int TextLine = 1 << 20;

    private static Gen<byte> Nasty => Gen.Elements((byte)'\r', (byte)'\n', (byte)'.', (byte)'a', (byte)0);

    private static Gen<byte[]> Octets => Gen.ArrayOf(Nasty);

    [Fact]
    public void Any_split_gives_the_same_result() =>
        Prop.ForAll(
            (from octets in Octets from sizes in Gen.NonEmptyListOf(Gen.Choose(1, 7)) from framing in Gen.Elements(Enum.GetValues<DataFraming>()) select (octets, sizes, framing)).ToArbitrary(),
            x => Run(x.octets, [x.octets.Length + 1], x.framing) == Run(x.octets, [.. x.sizes], x.framing)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_message_of_whole_lines_comes_through_dot_stuffing_unchanged() =>
        Prop.ForAll(
            (from lines in Gen.ListOf(Gen.ArrayOf(Gen.Elements((byte)'.', (byte)'a', (byte)' ', (byte)0xe4))) from sizes in Gen.NonEmptyListOf(Gen.Choose(1, 5)) select (lines, sizes)).ToArbitrary(),
            x =>
            {
                string message = string.Concat(x.lines.Select(l => Encoding.Latin1.GetString(l) + "\r\n"));
                string stuffed = string.Concat(x.lines.Select(l => (l.Length > 0 && l[0] == '.' ? "." : "") + Encoding.Latin1.GetString(l) + "\r\n")) + ".\r\n";
                (string text, DataProblem problem, bool ended, _) = Run(Encoding.Latin1.GetBytes(stuffed), [.. x.sizes], DataFraming.Dot);
                return text == message && problem == DataProblem.None && ended;
            }).QuickCheckThrowOnFailure();

    /// <summary>E1: whatever precedes, nothing but CRLF.CRLF (or .CRLF at the very start) ends the message, in both framings with dots.</summary>
    [Fact]
    public void E1_only_crlf_dot_crlf_ends_data() =>
        Prop.ForAll(
            (from octets in Octets from framing in Gen.Elements(DataFraming.Dot, DataFraming.DotMending) select (octets, framing)).ToArbitrary(),
            x =>
            {
                string text = "\r\n" + Encoding.Latin1.GetString(x.octets);
                int end = text.IndexOf("\r\n.\r\n", StringComparison.Ordinal);
                (_, _, bool ended, int used) = Run(x.octets, [3], x.framing);
                return ended == (end >= 0) && (end < 0 || used == end + 3);
            }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("a\n.\nb")]
    [InlineData("a\n.\r\nb")]
    [InlineData("a\r\n.\nb")]
    [InlineData("a\r.\rb")]
    [InlineData("a\r\n.\rb")]
    [InlineData("a\r.\r\nb")]
    [InlineData("a\r\n.\r\r\nb")]
    [InlineData("a\r\r\n.\nb")]
    public void E1_E2_E3_smuggling_sequences_are_problems_and_no_end(string text)
    {
        (_, DataProblem problem, bool ended, _) = Run(Encoding.Latin1.GetBytes(text), [1], DataFraming.Dot);
        Assert.False(ended);
        Assert.True(problem is DataProblem.BareLineFeed or DataProblem.BareCarriageReturn);
    }

    /// <summary>E1, E3: mended text holds no CR without LF and no LF without CR, so nothing of it can smuggle further on.</summary>
    [Fact]
    public void E3_mended_text_has_whole_line_ends_only() =>
        Prop.ForAll(Octets.ToArbitrary(), octets =>
        {
            string text = Run(octets, [2], DataFraming.CountedMending).Text;
            return !text.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().ContainsAny('\r', '\n');
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_empty_message_is_legal() => Assert.Equal(("", DataProblem.None, true, 3), Run(".\r\n"u8.ToArray(), [1], DataFraming.Dot));

    [Fact]
    public void E48_a_dot_in_counted_octets_is_text() => Assert.Equal("a\r\n.\r\n", Run("a\r\n.\r\n"u8.ToArray(), [1], DataFraming.Counted).Text);

    [Fact]
    public void E20_a_line_at_the_limit_is_fine_and_one_beyond_is_not()
    {
        Assert.Equal(DataProblem.None, Problem(new string('x', 10), 10));
        Assert.Equal(DataProblem.LineTooLong, Problem(new string('x', 11), 10));
        Assert.Equal(DataProblem.None, Problem("xxxxxxxxxx\r\nxxxxxxxxxx", 10));
    }

    private static DataProblem Problem(string text, int limit)
    {
        var decoder = new DataDecoder(DataFraming.Dot, limit);
        decoder.Decode(Encoding.ASCII.GetBytes(text), new byte[1000]);
        return decoder.Problem;
    }

    private static (string Text, DataProblem Problem, bool Ended, int Used) Run(byte[] octets, int[] sizes, DataFraming framing)
    {
        var decoder = new DataDecoder(framing, TextLine);
        var text = new StringBuilder();
        int used = 0;
        for (int i = 0, turn = 0; i < octets.Length && !decoder.Ended; turn++)
        {
            byte[] piece = octets[i..Math.Min(octets.Length, i + sizes[turn % sizes.Length])];
            byte[] output = new byte[DataDecoder.MaximumOutput(piece.Length)];
            (int consumed, int written) = decoder.Decode(piece, output);
            text.Append(Encoding.Latin1.GetString(output, 0, written));
            used += consumed;
            i += piece.Length;
        }
        bool ended = decoder.Ended;
        if (framing is DataFraming.Counted or DataFraming.CountedMending)
        {
            byte[] last = new byte[DataDecoder.MaximumOutput(0)];
            text.Append(Encoding.Latin1.GetString(last, 0, decoder.Finish(last)));
        }
        // After a problem nothing counts but the problem: what was written before depends on the pieces.
        return (decoder.Problem == DataProblem.None ? text.ToString() : "", decoder.Problem, ended, used);
    }
}
