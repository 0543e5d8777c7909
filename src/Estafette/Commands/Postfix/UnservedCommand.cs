namespace Estafette.Program.Commands.Postfix;

/// <summary>Commands of Postfix that act on its own processes and files: they are here by name, so that who calls one is told what there is instead.</summary>
internal static class UnservedCommand
{
    public static async Task<int> RunAsync(string name)
    {
        string instead = name switch
        {
            "postkick" => "there are no separate services to wake; 'postqueue -f' starts attempts",
            "postlock" => "mailboxes are locked by their writers; use flock(1)",
            "postmulti" => "one server has one configuration; start another with its own folders: 'estafette run --config DIR --state DIR'",
            "postdrop" => "local mail is taken by sendmail(1), which needs no set-group-ID program",
            "posttls-finger" => "use 'openssl s_client -starttls smtp -connect HOST:25'",
            _ => "see docs/postfix.md",
        };
        return await new PostfixTool(name, ExitCode.Failure).FatalAsync($"not part of this mail system: {instead}");
    }
}
