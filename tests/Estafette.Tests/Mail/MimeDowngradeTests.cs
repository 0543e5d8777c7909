using System.Globalization;
using System.Text;
using Estafette.Mail;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Mail;

public sealed class MimeDowngradeTests
{
    private const string Multipart = "Content-Type: multipart/mixed; boundary=\"b 1\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";

    [Theory]
    [InlineData("Subject: caf\u00e9\r\n\r\nplain\r\n")]
    [InlineData("")]
    [InlineData("A: b")]
    [InlineData(Multipart + "--b 1\r\n\r\nplain\r\n--b 1--\r\n")]
    public async Task What_is_7_bit_needs_nothing(string message) =>
        Assert.Equal(DowngradeVerdict.NotNeeded, (await PlanAsync(message)).Verdict);

    [Fact]
    public async Task E24_an_unlabelled_body_becomes_quoted_printable_with_MIME_fields() =>
        Assert.Equal(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 =3D=20\r\n.\r\n",
            await ConvertAsync("Subject: x\r\n\r\ncaf\u00e9 = \r\n.\r\n"));

    [Fact]
    public async Task E24_the_label_is_replaced_where_it_stands() =>
        Assert.Equal(
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=latin1\r\n\r\n=E9\r\n",
            await ConvertAsync("MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\u00e9\r\n"));

    [Fact]
    public async Task E24_each_part_has_its_own_encoding_and_text_between_is_masked() =>
        Assert.Equal(
            "Content-Type: multipart/mixed; boundary=\"b 1\"\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n\r\npre?\r\n"
            + "--b 1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n--b 1 \r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n6enp\r\n"
            + "--b 1\r\n\r\nplain\r\n--b 1--\r\nepilogue?\r\n",
            await ConvertAsync(Multipart + "pre\u00e9\r\n--b 1\r\n\r\ncaf\u00e9\r\n--b 1 \r\nContent-Type: image/png\r\n\r\n\u00e9\u00e9\u00e9\r\n--b 1\r\n\r\nplain\r\n--b 1--\r\nepilogue\u00e9\r\n"));

    [Fact]
    public async Task E24_messages_within_are_followed() =>
        Assert.Contains(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: in\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n--b 1--",
            await ConvertAsync(Multipart + "--b 1\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: in\r\n\r\n\u00e9\r\n--b 1--\r\n"), StringComparison.Ordinal);

    [Fact]
    public async Task E22_a_body_without_empty_line_gets_one() =>
        Assert.EndsWith("quoted-printable\r\n\r\nno field \u00e9\r\n".Replace("\u00e9", "=E9", StringComparison.Ordinal), await ConvertAsync("A: b\r\nno field \u00e9\r\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n\u00e9\r\n--x--\r\n")]
    [InlineData("Content-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n\r\n\u00e9\r\n--x--\r\n")]
    [InlineData(Multipart + "--b 1\r\nContent-Type: multipart/signed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n\u00e9\r\n--x--\r\n--b 1--\r\n")]
    [InlineData("Content-Transfer-Encoding: base64\r\n\r\n\u00e9\r\n")]
    [InlineData("Content-Transfer-Encoding: x-mine\r\n\r\n\u00e9\r\n")]
    [InlineData("Content-Type: multipart/mixed\r\n\r\n\u00e9\r\n")]
    public async Task E24_sealed_or_unreadable_content_is_not_touched(string message)
    {
        DowngradePlan plan = await PlanAsync(message);
        Assert.Equal(DowngradeVerdict.Impossible, plan.Verdict);
        Assert.NotEqual("", plan.Obstacle);
    }

    [Fact]
    public async Task E24_a_signed_part_that_is_7_bit_keeps_its_octets_beside_one_that_is_not()
    {
        const string sealedPart = "Content-Type: multipart/signed; boundary=x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--x\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n--x--\r\n";
        Assert.Contains(sealedPart, await ConvertAsync(Multipart + "--b 1\r\n" + sealedPart + "--b 1\r\n\r\n\u00e9\r\n--b 1--\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task E21_depth_parts_and_headers_are_limited()
    {
        var deep = new StringBuilder();
        for (int i = 0; i < 5000; i++)
            deep.Append(CultureInfo.InvariantCulture, $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
        Assert.Equal(DowngradeVerdict.Impossible, (await PlanAsync(deep + "\r\n\u00e9\r\n")).Verdict);
        Assert.Equal(DowngradeVerdict.Impossible, (await PlanAsync(Multipart + string.Concat(Enumerable.Repeat("--b 1\r\n\r\n\u00e9\r\n", 11_000)))).Verdict);
        Assert.Equal(DowngradeVerdict.Impossible, (await PlanAsync("A: " + new string('x', 2_000_000))).Verdict);
        string nested = string.Concat(Enumerable.Repeat("Content-Type: message/rfc822\r\n\r\n", 5000));
        Assert.Equal(DowngradeVerdict.Impossible, (await PlanAsync(nested + "\r\n\u00e9")).Verdict);
    }

    [Fact]
    public void E24_content_survives_and_no_split_matters()
    {
        string[] pieces = ["a", " ", "\t", "=", "\u00e9", "\r\n", "\r", "\n", "--b", "--b\r\n", "\r\n--b--\r\n", ".", "\0", new string('x', 300), new string('\u00fc', 90), "\r\n\r\n", "Content-Type: image/x\r\n\r\n"];
        Gen<string> body = Gen.Elements(pieces).ListOf().Select(p => string.Concat(p));
        Gen<string> header = Gen.Elements("", "Content-Type: image/png\r\n", "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Transfer-Encoding: 8bit\r\n");
        Prop.ForAll(header.ToArbitrary(), body.ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), (head, text, piece) =>
        {
            string message = head + "\r\n" + text;
            DowngradePlan plan = PlanAsync(message, piece).GetAwaiter().GetResult();
            DowngradePlan whole = PlanAsync(message).GetAwaiter().GetResult();
            Assert.Equal((whole.Verdict, whole.Obstacle), (plan.Verdict, plan.Obstacle));
            Assert.Equal(whole.Encodings.OrderBy(e => e.Key), plan.Encodings.OrderBy(e => e.Key));
            if (whole.Verdict is not DowngradeVerdict.Possible)
                return;
            string converted = ConvertAsync(message).GetAwaiter().GetResult();
            Assert.True(Ascii.IsValid(converted));
            Assert.Equal(converted, ConvertAsync(message, piece).GetAwaiter().GetResult());
            Assert.Equal(DowngradeVerdict.NotNeeded, PlanAsync(converted).GetAwaiter().GetResult().Verdict);
            if (!head.Contains("multipart", StringComparison.Ordinal))
                Assert.Equal(Lines(text, head), Decode(converted));
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Quoted-printable ends lines with CRLF whatever they ended with before.</summary>
    private static string Lines(string text, string head) =>
        head.Contains("image", StringComparison.Ordinal) && text.Count(c => c > 127) > text.Length / 6 ? text : text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal);

    private static string Decode(string converted)
    {
        int end = converted.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        string body = converted[(end + 4)..];
        Assert.All(body.Split("\r\n"), line => Assert.InRange(line.Length, 0, 76));
        if (converted[..end].Contains("base64", StringComparison.Ordinal))
            return Encoding.Latin1.GetString(Convert.FromBase64String(body));
        var text = new StringBuilder();
        body = body.Replace("=\r\n", "", StringComparison.Ordinal);
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] != '=')
                text.Append(body[i]);
            else
            {
                text.Append((char)byte.Parse(body.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
        }
        return text.ToString();
    }

    private static async Task<DowngradePlan> PlanAsync(string message, int piece = int.MaxValue) => await MimeDowngrade.PlanAsync(Reader(message, piece), CancellationToken.None);

    private static async Task<string> ConvertAsync(string message, int piece = int.MaxValue)
    {
        DowngradePlan plan = await PlanAsync(message);
        Assert.Equal(DowngradeVerdict.Possible, plan.Verdict);
        using var reader = new DowngradedMessage(Reader(message, piece), plan);
        var text = new StringBuilder();
        byte[] buffer = new byte[Math.Min(piece, 4096)];
        for (int read; (read = await reader.ReadAsync(buffer, CancellationToken.None)) > 0;)
            text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        Assert.Equal(text.Length, await MimeDowngrade.MeasureAsync(Reader(message, piece), plan, CancellationToken.None));
        return text.ToString();
    }

    private static OctetReader Reader(string message, int piece)
    {
        byte[] octets = Encoding.Latin1.GetBytes(message);
        return (offset, buffer, _) =>
        {
            int length = (int)Math.Min(Math.Min(piece, buffer.Length), octets.Length - offset);
            octets.AsMemory((int)offset, length).CopyTo(buffer);
            return ValueTask.FromResult(length);
        };
    }
}
