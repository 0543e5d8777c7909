using Estafette.Config.Dialects.Qmail;

namespace Estafette.Tests.Config.Qmail;

public class UserAssignmentsTests
{
    private static UserAssignments Parse(params string[] lines) => UserAssignments.Parse(lines, (number, problem) => throw new InvalidOperationException($"{number}: {problem}"));

    [Theory]
    [InlineData("joe", "joe", "")]
    [InlineData("JOE", "joe", "")]
    [InlineData("joe-x", "joe", "x")]
    [InlineData("joe-list-a", "list", "a")]
    [InlineData("other", "alias", "other")]
    [InlineData("", "alias", "")]
    public void The_exact_address_wins_then_the_longest_beginning(string local, string user, string extension)
    {
        UserAssignments assignments = Parse(
            "=joe:joe:507:100:/home/joe:::", "+joe-:joe:507:100:/home/joe:-::", "+joe-list-:list:508:100:/home/list:-::", "+:alias:7790:2108:/var/qmail/alias:-::", ".");
        UserAssignment found = assignments.Find(local)!;
        Assert.Equal((user, extension), (found.User, found.Extension));
    }

    [Fact]
    public void A_beginnings_own_extension_stands_in_front() =>
        Assert.Equal("pre-x", Parse("+a-:u:1:1:/h:-:pre-:", ".").Find("a-x")!.Extension);

    [Fact]
    public void A_file_that_may_be_cut_off_is_told()
    {
        var told = new List<int>();
        UserAssignments.Parse(["=joe:joe:507:100:/home/joe:::"], (number, _) => told.Add(number));
        Assert.Equal([0], told);
    }

    [Theory]
    [InlineData("joe:joe:507:100:/home/joe:::")]
    [InlineData("=joe:joe:507")]
    [InlineData("=joe:joe:x:100:/home/joe:::")]
    [InlineData("=joe:joe:507:100:home:::")]
    public void A_wrong_line_is_told_with_its_number(string line)
    {
        var told = new List<int>();
        UserAssignments.Parse(["=a:a:1:1:/a:::", line, "."], (number, _) => told.Add(number));
        Assert.Equal([2], told);
    }
}
