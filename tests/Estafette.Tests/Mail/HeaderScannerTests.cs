using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class HeaderScannerTests
{
    private static readonly HeaderLimits Usual = new(1 << 20, 10_000);

    [Theory]
    [InlineData("A: b\r\nC: d\r\n\r\nbody", HeaderScanState.EndedByBlankLine, 12, 14, 2)]
    [InlineData("A: b\nC: d\n\nbody", HeaderScanState.EndedByBlankLine, 10, 11, 2)]
    [InlineData("\r\nbody", HeaderScanState.EndedByBlankLine, 0, 2, 0)]
    [InlineData("Subject : x\r\n y\r\n \r\n\r\n", HeaderScanState.EndedByBlankLine, 20, 22, 1)]
    [InlineData("From alice Sat Nov 21 00:00:00 2026\nTo: b\n\n", HeaderScanState.EndedByBlankLine, 42, 43, 1)]
    [InlineData("From : b\r\n\r\n", HeaderScanState.EndedByBlankLine, 10, 12, 1)]
    [InlineData("A: b\r\n", HeaderScanState.EndedByMessage, 6, 6, 1)]
    [InlineData("A: b", HeaderScanState.EndedByMessage, 4, 4, 1)]
    [InlineData("", HeaderScanState.EndedByMessage, 0, 0, 0)]
    public void A_header_ends_where_it_should(string message, HeaderScanState state, long headerLength, long bodyStart, int fields) =>
        Check(message, state, headerLength, bodyStart, fields);

    [Theory]
    [InlineData("Hello, World!\r\nA: b\r\n\r\n", 0, 0)]
    [InlineData("Hello", 0, 0)]
    [InlineData(" starts with a blank\r\nA: b\r\n\r\n", 0, 0)]
    [InlineData("A: b\r\nno field here\r\n\r\n", 6, 1)]
    [InlineData("A: b\r\n\rX: y\r\n", 6, 1)]
    [InlineData("A: b\r\nH\u00e9: c\r\n", 6, 1)]
    [InlineData("A: b\r\n:c\r\n", 6, 1)]
    [InlineData("A: b\r\nFrom alice Sat\r\n", 6, 1)]
    public void E22_V3_a_line_that_is_no_field_begins_the_body(string message, long headerLength, int fields) =>
        Check(message, HeaderScanState.EndedByOtherLine, headerLength, headerLength, fields);

    [Fact]
    public void E21_a_name_without_end_is_body() =>
        Check(new string('a', 100_000) + ": x\r\n\r\n", HeaderScanState.EndedByOtherLine, 0, 0, 0);

    [Fact]
    public void E21_size_and_field_count_are_limited_and_hops_counted()
    {
        Assert.Equal(HeaderScanState.TooLarge, Scan("A: " + new string('x', 500), new(100, 10)).State);
        Assert.Equal(HeaderScanState.TooManyFields, Scan("A: b\r\nA: b\r\nA: b\r\n\r\n", new(100, 2)).State);
        Assert.Equal(HeaderScanState.EndedByBlankLine, Scan("A: b\r\n\r\n" + new string('x', 500), new(6, 1)).State);
        Assert.Equal(10_000, Scan(string.Concat(Enumerable.Repeat("received: x\r\n", 10_000)) + "\r\n", Usual).Hops);
    }

    [Fact]
    public void E23_eight_bit_and_NUL_in_values_are_marked()
    {
        HeaderScanner scan = Scan("Subject: h\u00e9\0\r\n\r\n", Usual);
        Assert.True(scan.HasEightBit && scan.HasNul);
        scan = Scan("Subject: h\r\n\r\n\u00e9\0", Usual);
        Assert.False(scan.HasEightBit || scan.HasNul);
    }

    [Fact]
    public void Captured_values_come_in_order_folded_as_they_were_and_cut_at_the_limit()
    {
        var seen = new List<string>();
        var scan = new HeaderScanner(Usual, (f, v) => seen.Add($"{f}={Encoding.Latin1.GetString(v)}"), KnownField.MessageId, KnownField.DeliveredTo);
        scan.Push(Encoding.Latin1.GetBytes("MESSAGE-ID: <a\r\n\t@b>\r\nSubject: no\r\nDelivered-To: " + new string('x', 9000) + "\r\nMessage-Id: <c>"));
        scan.Complete();
        Assert.Equal(["MessageId= <a\r\n\t@b>", "DeliveredTo= " + new string('x', HeaderScanner.MaximumCapture - 1), "MessageId= <c>"], seen);
        Assert.Equal(2, scan.Count(KnownField.MessageId));
    }

    [Fact]
    public void Every_split_gives_the_same_answer()
    {
        string[] pieces = ["A", ":", " ", "\t", "\r\n", "\n", "\r", "From ", "Received: x", "Message-ID: <y>\r\n", "\r\n\r\n", "\0", "\u00e9", "long value of a field"];
        Gen<string> text = Gen.Elements(pieces).ListOf().Select(l => string.Concat(l));
        Prop.ForAll(text.ToArbitrary(), Gen.Choose(0, 200).ListOf().ToArbitrary(), (message, cuts) =>
        {
            byte[] octets = Encoding.Latin1.GetBytes(message);
            string whole = Observe(octets, []);
            Assert.Equal(whole, Observe(octets, [.. cuts]));
            Assert.Equal(whole, Observe(octets, [.. Enumerable.Range(0, octets.Length)]));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void The_fields_of_a_block_are_the_whole_block()
    {
        byte[] block = "From x y\nSubject : a\n b\nTo:c\r\n"u8.ToArray();
        var names = new List<string>();
        int length = 0;
        foreach (HeaderField field in new HeaderFields(block))
        {
            names.Add($"{Encoding.ASCII.GetString(field.Name)}|{Encoding.ASCII.GetString(field.Value)}|{field.Known}");
            length += field.Whole.Length;
        }
        Assert.Equal(["|From x y|Other", "Subject| a\n b|Subject", "To|c|To"], names);
        Assert.Equal(block.Length, length);
    }

    private static string Observe(byte[] octets, int[] cuts)
    {
        var seen = new StringBuilder();
        var scan = new HeaderScanner(new(120, 6), (f, v) => seen.Append(f).Append('=').Append(Encoding.Latin1.GetString(v)).Append(';'), KnownField.MessageId, KnownField.Received);
        int at = 0;
        foreach (int cut in cuts.Where(c => c < octets.Length).Order())
        {
            scan.Push(octets.AsSpan(at, cut - at));
            at = cut;
        }
        scan.Push(octets.AsSpan(at));
        scan.Complete();
        return scan.State is HeaderScanState.TooLarge or HeaderScanState.TooManyFields ? scan.State.ToString()
            : $"{scan.State} {scan.HeaderLength} {scan.BodyStart} {scan.Fields} {scan.Hops} {scan.HasEightBit} {scan.HasNul} {seen}";
    }

    private static HeaderScanner Scan(string message, HeaderLimits limits)
    {
        var scan = new HeaderScanner(limits);
        scan.Push(Encoding.Latin1.GetBytes(message));
        scan.Complete();
        return scan;
    }

    private static void Check(string message, HeaderScanState state, long headerLength, long bodyStart, int fields)
    {
        HeaderScanner scan = Scan(message, Usual);
        Assert.Equal((state, headerLength, bodyStart, fields), (scan.State, scan.HeaderLength, scan.BodyStart, scan.Fields));
    }
}
