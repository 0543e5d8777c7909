using Estafette.Program.Commands.Postfix;
using Estafette.Program.Commands.Qmail;
using Estafette.Program.Submission;

namespace Estafette.Program.Commands;

/// <summary>Finds the command that a name stands for. Old names keep their own argument syntax; <c>estafette</c> has verbs.</summary>
internal static class Invocation
{
    /// <summary>
    /// The name the program was started by. The runtime shows only its own file, so the kernel is asked: a symlink's name is the first word of
    /// the command line. A leading dash marks a login shell's convention and is no part of the name.
    /// </summary>
    public static string CalledAs() => Path.GetFileName(FirstWord()).TrimStart('-');

    /// <summary>With the folder where one was given: Postfix's commands begin their messages with it.</summary>
    private static string FirstWord()
    {
        ReadOnlySpan<byte> line = File.ReadAllBytes("/proc/self/cmdline");
        int end = line.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? line : line[..end]);
    }

    public static async Task<int> RunAsync(string name, string[] args) => name switch
    {
        "sendmail" or "send-mail" => await SendmailCommand.RunAsync(args),
        "mailq" => await MailqCommand.RunAsync(args),
        "smtpctl" => await SmtpctlCommand.RunAsync(args),
        "smtpd" => await SmtpdCommand.RunAsync(args),
        "postconf" => PostconfCommand.Run(FirstWord(), args),
        "makemap" => MakemapCommand.Run(args),
        "newaliases" => await NewaliasesCommand.RunAsync(args),
        "postmap" => await MapTool.RunAsync(MapToolKind.Map, args, MapToolStreams.Console(), CancellationToken.None),
        "postalias" => await MapTool.RunAsync(MapToolKind.Alias, args, MapToolStreams.Console(), CancellationToken.None),
        "postqueue" => await PostqueueCommand.RunAsync(args),
        "postsuper" => await PostsuperCommand.RunAsync(args),
        "postcat" => await PostcatCommand.RunAsync(args),
        "postlog" => await PostlogCommand.RunAsync(args),
        "qshape" => await QshapeCommand.RunAsync(args),
        "postfix" => await PostfixCommand.RunAsync(args),
        "postkick" or "postlock" or "postmulti" or "postdrop" or "posttls-finger" => await UnservedCommand.RunAsync(name),
        "except" => ConditionalPrograms.Except(args),
        "bouncesaying" => ConditionalPrograms.BounceSaying(args),
        "preline" => ConditionalPrograms.PreLine(args),
        "maildirmake" => ConditionalPrograms.MaildirMake(args),
        _ => await EstafetteCommand.RunAsync(args),
    };
}
