using Estafette.Config.Dialects.Qmail;
using Estafette.Config.Model;

namespace Estafette.Tests.Config.Qmail;

public class UserAssignmentsTests
{
    private static UserAssignment? Find(string local, params string[] lines)
    {
        var rows = new Dictionary<string, string>(UserAssignments.Parse(lines, (number, problem) => throw new InvalidOperationException($"{number}: {problem}")), StringComparer.Ordinal);
        (string key, string rest) = UserAssignment.Keys(local).FirstOrDefault(k => rows.ContainsKey(k.Key));
        return key is not null && UserAssignment.TryDecode(rows[key], rest, out UserAssignment? found) ? found : null;
    }

    [Theory]
    [InlineData("joe", "joe", "")]
    [InlineData("JOE", "joe", "")]
    [InlineData("joe-x", "joe", "x")]
    [InlineData("joe-list-a", "list", "a")]
    [InlineData("other", "alias", "other")]
    [InlineData("", "alias", "")]
    public void The_exact_address_wins_then_the_longest_beginning(string local, string user, string extension)
    {
        UserAssignment found = Find(
            local, "=joe:joe:507:100:/home/joe:::", "+joe-:joe:507:100:/home/joe:-::", "+joe-list-:list:508:100:/home/list:-::", "+:alias:7790:2108:/var/qmail/alias:-::", ".")!;
        Assert.Equal((user, extension), (found.User, found.Extension));
    }

    [Fact]
    public void A_beginnings_own_extension_stands_in_front() =>
        Assert.Equal("pre-x", Find("a-x", "+a-:u:1:1:/h:-:pre-:", ".")!.Extension);

    [Fact]
    public void A_file_that_may_be_cut_off_is_told()
    {
        var told = new List<int>();
        UserAssignments.Parse(["=joe:joe:507:100:/home/joe:::"], (number, _) => told.Add(number));
        Assert.Equal([0], told);
    }

    [Fact]
    public void Nobody_is_assigned_what_no_line_begins_with() => Assert.Null(Find("zoe", "=joe:joe:507:100:/home/joe:::", "."));

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
