using Estafette.Tables;
using FsCheck;
using FsCheck.Fluent;

namespace Estafette.Tests.Tables;

public sealed class TextTableParserTests
{
    [Theory]
    [InlineData("root: alice", "root=alice")]
    [InlineData("root      : microlinux", "root=microlinux")]
    [InlineData("root\talice", "root=alice")]
    [InlineData("  root:alice  ", "root=alice")]
    [InlineData("a: b, c\n# comment\n\n  # another\nd: e\r\n", "a=b, c;d=e")]
    [InlineData("inc: :include:/etc/list", "inc=:include:/etc/list")]
    [InlineData("inc :include:/etc/list", "inc=:include:/etc/list")]
    [InlineData("cmd: \"|cat > /x # y\"", "cmd=\"|cat > /x # y\"")]
    [InlineData("\"John Doe\": jd", "John Doe=jd")]
    [InlineData("label user@gmail.com:PASS:WORD", "label=user@gmail.com:PASS:WORD")]
    [InlineData("a: b, \\\n c\nd: e", "a=b,   c;d=e")]
    [InlineData("[::1]\tlocalhost", "[::1]=localhost")]
    [InlineData("joe 1000:100:/home/virtual/joe", "joe=1000:100:/home/virtual/joe")]
    [InlineData("[smtp.example.net]:587 me@example.net:secret", "[smtp.example.net]:587=me@example.net:secret")]
    [InlineData("[mx.test]:25: secure match=.test\n[2001:db8::1]:2525\tencrypt", "[mx.test]:25=secure match=.test;[2001:db8::1]:2525=encrypt")]
    [InlineData("smtp.example.net:587 me:secret\nsmtp.example.net me:other", "smtp.example.net:587=me:secret;smtp.example.net=me:other")]
    [InlineData("joe.doe:1000:100:/home/joe\nroot:25\njane.doe:25", "joe.doe=1000:100:/home/joe;root=25;jane.doe=25")]
    public void P16_mappings_are_read_as_people_write_them(string text, string rows) => Assert.Equal(rows, Rows(text));

    [Theory]
    [InlineData("one.test\n*.two.test\n", "one.test=;*.two.test=")]
    [InlineData("192.0.2.0/24\n[::1]\n2001:db8::/32", "192.0.2.0/24=;[::1]=;2001:db8::/32=")]
    [InlineData("2001:db8::/32\n::1", "2001:db8::/32=;::1=")]
    [InlineData("# @list\na b\nc: d", "a b=;c: d=")]
    [InlineData("", "")]
    public void Lists_are_told_by_their_first_entry(string text, string rows) => Assert.Equal(rows, Rows(text));

    [Theory]
    [InlineData("a: b,\n  c\n", 2)]
    [InlineData("a: b\nc:\n", 2)]
    [InlineData(": b", 1)]
    [InlineData("\"open: b", 1)]
    [InlineData("# c\n\na b\n[::1 c", 4)]
    public void A_folded_or_broken_entry_is_an_error_with_its_line(string text, int line) =>
        Assert.Equal(line, TextTableParser.Parse(text, TextTableForm.Detect).ErrorLine);

    [Fact]
    public void Any_text_is_read_without_an_exception() =>
        Prop.ForAll<string>(text =>
        {
            foreach (TextTableForm form in Enum.GetValues<TextTableForm>())
                TextTableParser.Parse(text ?? "", form);
        }).QuickCheckThrowOnFailure();

    private static string Rows(string text)
    {
        TextTable table = TextTableParser.Parse(text, TextTableForm.Detect);
        Assert.True(table.IsValid, table.Error);
        return string.Join(';', table.Rows.Select(r => $"{r.Key}={r.Value}"));
    }
}
