using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Program.Daemon;
using Estafette.Tables;
using Estafette.Tests.Config;

namespace Estafette.Tests.Program;

/// <summary>What the privileged side of local delivery is told of a configuration.</summary>
public sealed class LocalActionsStepTests
{
    private static readonly SystemUsers s_users = new(TimeProvider.System);

    private static async Task<(LocalActions Actions, IReadOnlyList<string> Warnings)> CompileAsync(string text, DaemonUser? daemon)
    {
        ConfigResult result = Conf.Read(text, new MachineInMemory());
        Assert.NotNull(result.Config);
        var warnings = new List<string>();
        MailConfig config = result.Config;
        return (await new LocalActionsStep(s_users, daemon, warnings.Add).CompileAsync(config, new TableSet(config, s_users, TimeProvider.System, _ => { }), CancellationToken.None), warnings);
    }

    [Theory]
    [InlineData("action \"a\" mbox alias { list = \"|/bin/list\" }", "/bin/list")]
    [InlineData("action \"a\" mbox alias { list = \"/srv/list\" }", "/srv/list")]
    public async Task What_alias_tables_name_is_known(string action, string target)
    {
        (LocalActions actions, _) = await CompileAsync(action + "\nmatch for local action \"a\"\n", new DaemonUser("daemon", 1, 1, []));
        Assert.Equal(target, Assert.Single(actions.AliasTargets.Values).Text);
        Assert.Equal(LocalMethodKind.Mbox, actions.Actions["a"].Method);
    }

    [Fact]
    public async Task Commands_that_run_as_the_daemon_itself_are_told()
    {
        var users = new[] { "opensmtpd", "_smtpd", "nobody" };
        DaemonUser? first = null;
        foreach (string name in users)
        {
            if (first is null && await s_users.FindAsync(name, CancellationToken.None) is UserAnswer.Found { User: var user })
                first = new DaemonUser(name, user.Uid, user.Gid, []);
        }
        Assert.NotNull(first);
        (LocalActions actions, IReadOnlyList<string> warnings) = await CompileAsync("action \"a\" mbox alias { list = \"|/bin/list\" }\nmatch for local action \"a\"\n", first);
        if (actions.AliasUser == first.Name)
            Assert.Contains(warnings, w => w.Contains("can reach its queue", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_root_everything_runs_as_the_one_user_there_is()
    {
        (LocalActions actions, _) = await CompileAsync("action \"a\" mbox\nmatch for local action \"a\"\n", null);
        Assert.Equal(Environment.UserName, actions.AliasUser);
    }
}
