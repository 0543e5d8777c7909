using System.Text;
using Estafette.Config.Dialects.Qmail;

namespace Estafette.Tests.Config.Qmail;

public class ControlFileTests
{
    private static ControlFile Parse(string text) => ControlFile.Parse("control/x", Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Q13_Missing_and_empty_are_not_the_same()
    {
        Assert.Null(ControlFile.Missing("control/defaultdomain").First);
        Assert.Equal("", Parse("").First);
        Assert.Equal("", Parse("\n").First);
    }

    [Theory]
    [InlineData("orange.fr", "orange.fr")]
    [InlineData("orange.fr \t\r\nsecond\n", "orange.fr")]
    [InlineData(" leading\n", " leading")]
    [InlineData("# no comment where one value stands\n", "# no comment where one value stands")]
    public void One_value_is_the_first_line_without_the_white_space_at_its_end(string text, string first) => Assert.Equal(first, Parse(text).First);

    [Fact]
    public void Lists_leave_out_comments_and_empty_lines_and_keep_the_places()
    {
        ControlFile file = Parse("# hosts\n\nlocalhost \nexample.org");
        Assert.Equal<ControlLine>([new ControlLine("localhost", 3), new ControlLine("example.org", 4)], [.. file.Lines]);
    }

    [Theory]
    [InlineData("5000\n", 5000L)]
    [InlineData("20 per cent\n", 20L)]
    public void Numbers_end_where_the_digits_do(string text, long number)
    {
        Assert.True(Parse(text).TryNumber(out long? found));
        Assert.Equal(number, found);
    }

    [Fact]
    public void No_file_is_no_number_and_words_are_an_error()
    {
        Assert.True(ControlFile.Missing("x").TryNumber(out long? number));
        Assert.Null(number);
        Assert.False(Parse("many\n").TryNumber(out _));
    }
}
