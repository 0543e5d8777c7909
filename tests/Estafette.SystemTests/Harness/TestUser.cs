namespace Estafette.SystemTests.Harness;

/// <summary>
/// A user of the system with a home in the test's folder: as root one made for the test and removed after it, else the user who runs the tests
/// with <c>$HOME</c> as it is.
/// </summary>
internal sealed class TestUser : IAsyncDisposable
{
    private readonly bool _made;

    private TestUser(string name, string home, bool made) => (Name, Home, _made) = (name, home, made);

    public string Name { get; }
    public string Home { get; }

    public static async Task<TestUser> MakeAsync(TemporaryFolder folder)
    {
        if (!Environment.IsPrivilegedProcess)
            return new TestUser(Environment.UserName, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), false);
        string name = "est" + Guid.NewGuid().ToString("N")[..8];
        string home = folder["home-" + name];
        CommandResult made = await Command.RunAsync("/usr/sbin/useradd", ["-m", "-d", home, "-s", "/bin/sh", "-c", "Test User", name]);
        Assert.True(made.ExitCode == 0, made.ToString());
        folder.Keep(home);
        return new TestUser(name, home, true);
    }

    /// <summary>Runs a shell script as this user.</summary>
    public Task<CommandResult> RunAsync(string script, string? input = null, IReadOnlyDictionary<string, string>? environment = null) => _made
        ? Command.RunAsync("/usr/sbin/runuser", ["-u", Name, "--", "/bin/sh", "-c", script], input, With(environment))
        : Command.ShellAsync(script, input, environment);

    private Dictionary<string, string> With(IReadOnlyDictionary<string, string>? environment) =>
        new(environment ?? new Dictionary<string, string>()) { ["HOME"] = Home, ["USER"] = Name, ["LOGNAME"] = Name };

    public async ValueTask DisposeAsync()
    {
        if (_made)
            await Command.RunAsync("/usr/sbin/userdel", ["-f", Name]);
    }
}
