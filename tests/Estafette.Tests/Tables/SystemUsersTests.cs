using Estafette.Tables;

namespace Estafette.Tests.Tables;

public sealed class SystemUsersTests
{
    private readonly SystemUsers _users = new(TimeProvider.System);

    [Fact]
    public async Task Root_is_found_by_name_and_number()
    {
        var byName = Assert.IsType<UserAnswer.Found>(await _users.FindAsync("root", CancellationToken.None));
        Assert.Equal((0u, "/root"), (byName.User.Uid, byName.User.Home));
        Assert.Equal(byName, await _users.FindAsync(0u, CancellationToken.None));
    }

    [Theory]
    [InlineData("no-such-user-here")]
    [InlineData("")]
    [InlineData("root:x")]
    [InlineData("root\0x")]
    public async Task Who_is_not_there_is_not_found(string name) => Assert.IsType<UserAnswer.NotFound>(await _users.FindAsync(name, CancellationToken.None));

    [Fact]
    public async Task An_answer_is_kept_for_a_while()
    {
        await _users.FindAsync("root", CancellationToken.None);
        Assert.True(_users.FindAsync("root", CancellationToken.None).IsCompletedSuccessfully);
    }
}
