using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Program.Daemon;
using Estafette.Tables;
using Estafette.Tests.Config;

namespace Estafette.Tests.Program;

/// <summary>What a reload may change of local delivery: everything where the server runs as an ordinary user, nothing new where root started it and has gone.</summary>
public sealed class LocalActionsStepTests : IDisposable
{
    private const string First = "action \"a\" mbox\naction \"b\" maildir\nmatch for local action \"a\"\nmatch for any action \"b\"\n";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("estafette-actions-");

    public void Dispose() => _folder.Delete(recursive: true);

    private LocalActionsStep Step(bool startedAsRoot) => new(new StateFolder(_folder.FullName), new SystemUsers(TimeProvider.System), startedAsRoot ? new DaemonUser("daemon", 1, 1, []) : null, _ => { });

    private static MailConfig Config(string text)
    {
        ConfigResult result = Conf.Read(text, new MachineInMemory());
        Assert.NotNull(result.Config);
        return result.Config;
    }

    private static Task<string?> RenewAsync(LocalActionsStep step, MailConfig config) => step.RenewAsync(config, Tables(config), CancellationToken.None);

    private static TableSet Tables(MailConfig config) => new(config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });

    private LocalActions OnDisk()
    {
        Assert.True(LocalActionsCodec.TryDecode(File.ReadAllBytes(Path.Combine(_folder.FullName, "actions")), out LocalActions? actions));
        return actions!;
    }

    [Fact]
    public async Task A_reload_without_root_writes_what_changed()
    {
        LocalActionsStep step = Step(startedAsRoot: false);
        MailConfig first = Config(First);
        await step.WriteAsync(first, Tables(first), CancellationToken.None);
        Assert.Null(await RenewAsync(step, Config(First.Replace("maildir", "maildir \"/srv/%{user.username}\"", StringComparison.Ordinal))));
        Assert.Equal("/srv/%{user.username}", OnDisk().Actions["b"].Template);
    }

    [Theory]
    [InlineData("maildir", "maildir \"/srv/%{user.username}\"", "action \"b\" is new or changed")]
    [InlineData("action \"a\" mbox", "action \"a\" mda \"/bin/cat\"", "action \"a\" is new or changed")]
    [InlineData("action \"a\" mbox", "action \"a\" mbox alias { list = \"|/bin/list\" }", "the alias target |/bin/list is new")]
    public async Task A_reload_after_root_is_gone_refuses_what_the_privileged_side_does_not_know(string part, string changed, string reason)
    {
        LocalActionsStep step = Step(startedAsRoot: true);
        MailConfig first = Config(First);
        await step.WriteAsync(first, Tables(first), CancellationToken.None);
        string? problem = await RenewAsync(step, Config(First.Replace(part, changed, StringComparison.Ordinal)));
        Assert.Contains(reason, problem);
        Assert.Contains("restart the server to change local delivery", problem);
        Assert.Equal(LocalMethodKind.Mbox, OnDisk().Actions["a"].Method);
    }

    [Fact]
    public async Task A_reload_after_root_is_gone_may_do_with_less()
    {
        LocalActionsStep step = Step(startedAsRoot: true);
        MailConfig first = Config(First);
        await step.WriteAsync(first, Tables(first), CancellationToken.None);
        Assert.Null(await RenewAsync(step, Config(First)));
        Assert.Null(await RenewAsync(step, Config("action \"a\" mbox\nmatch for local action \"a\"\n")));
    }
}
