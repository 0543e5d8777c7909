using Estafette.Config.Model;
using Estafette.Program.Commands.Postfix;
using Estafette.Program.Daemon;
using Estafette.Program.Submission;
using Estafette.Program.Submission.Postfix;

namespace Estafette.Program.Commands;

/// <summary>mailq(1): the queue in the form of the dialect that runs.</summary>
internal static class MailqCommand
{
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["--help"] or ["-h"])
        {
            Console.Out.WriteLine("usage: mailq [--json]    list the messages that wait (evpid|family|type|flags|sender|rcpt|dest|created|expire|last|tries|state|next|error)");
            return ExitCode.Ok;
        }
        if (args is ["--json"])
            return await EstafetteCommand.RunAsync(["queue", "list", "--json"]);
        if (args.Length > 0 && SubmissionProfile.IsPostfix(StateFolder.Default()))
            return await PostfixSendmail.RunAsync("mailq", args);
        return SubmissionProfile.Read(StateFolder.Default()).Dialect == Dialect.Postfix ? await PostqueueCommand.ListAsync() : await SmtpctlCommand.ShowQueueAsync([]);
    }
}
