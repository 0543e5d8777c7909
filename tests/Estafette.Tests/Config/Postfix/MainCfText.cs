using Estafette.Config;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;

namespace Estafette.Tests.Config.Postfix;

/// <summary>Short ways to a configuration of Postfix in memory: the text of a main.cf, and a usual master.cf unless another is given.</summary>
internal static class MainCfText
{
    public const string Folder = "/etc/postfix";

    public const string UsualMaster = """
        smtp      inet  n       -       n       -       -       smtpd
        pickup    unix  n       -       n       60      1       pickup
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
        lmtp      unix  -       -       n       -       -       lmtp
        local     unix  -       n       n       -       -       local
        virtual   unix  -       n       n       -       -       virtual
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        discard   unix  -       -       n       -       -       discard
        """;

    public static MachineInMemory Machine(string main, string? master = null, MachineInMemory? machine = null) =>
        (machine ?? new MachineInMemory()).With(Folder + "/main.cf", main).With(Folder + "/master.cf", master ?? UsualMaster);

    public static ConfigResult Read(string main, string? master = null, MachineInMemory? machine = null) =>
        PostfixReader.Read(Folder, new ReadOptions { Machine = Machine(main, master, machine) });

    /// <summary>The model; any error fails the test.</summary>
    public static MailConfig Config(string main, string? master = null, MachineInMemory? machine = null)
    {
        ConfigResult result = Read(main, master, machine);
        Assert.True(result.Config is not null, string.Join('\n', result.Diagnostics.Select(DiagnosticPrinter.OneLine)));
        return result.Config;
    }

    /// <summary>What the lowerings see, and afterwards which parameters they asked for.</summary>
    public static ReadingContext Context(string main, string? master = null)
    {
        var findings = new Findings();
        MachineInMemory machine = Machine(main, master);
        PostfixSettings settings = PostfixSettings.Of(MainCf.Parse(new SourceText(Folder + "/main.cf", main), findings),
            MasterCf.Parse(new SourceText(Folder + "/master.cf", master ?? UsualMaster), findings), machine);
        return new ReadingContext(findings, settings, Folder, new ReadOptions { Machine = machine });
    }
}
