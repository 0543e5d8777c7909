using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Tells of services of master.cf that are not what they are there: some need none, some are for later, and a command that nobody knows is an error (V4).</summary>
internal sealed class ServiceCheck(ReadingContext context)
{
    private static readonly string[] s_serving = ["smtpd", "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard"];

    /// <summary>The one server does their work, or needs it not.</summary>
    private static readonly string[] s_within =
        ["pickup", "cleanup", "qmgr", "oqmgr", "nqmgr", "tlsmgr", "trivial-rewrite", "bounce", "flush", "proxymap", "showq", "anvil", "scache", "postlogd", "verify"];

    public void Tell()
    {
        foreach (ServiceEntry service in context.Settings.Services)
        {
            if (service.Command is "smtpd" && service.Type == "pass")
                context.Findings.Warning(service.At, "service " + service.Key + " waits for postscreen(8), which is not there yet", "nothing reaches it; let smtpd listen itself: `smtp inet n - n - - smtpd`");
            else if (service.Command is "postscreen" or "tlsproxy" or "dnsblog" && service.Type != "inet" || s_serving.Contains(service.Command) || s_within.Contains(service.Command))
                continue;
            else if (service.Command == "postscreen")
                context.Findings.Error(service.At, "not supported yet: postscreen(8)", "let smtpd listen itself: `" + service.Name + " inet n - n - - smtpd`");
            else if (service.Command is "spawn" or "qmqpd")
                context.Findings.Warning(service.At, "not supported yet: " + service.Command + "(8); nothing answers at " + service.Key, "remove the line");
            else
                Unknown(service);
        }
        if (!context.Settings.Services.Any(s => s is { Command: "smtpd", Type: "inet" }))
            context.Findings.Note(new SourceSpan(Path.Combine(context.Folder, "master.cf"), 0, 0, 0), "no service takes mail from the network; local programs can still send");
    }

    private void Unknown(ServiceEntry service)
    {
        string? meant = service.Command == "trivial" ? "trivial-rewrite" : Spelling.Closest(service.Command, [.. s_serving, .. s_within]);
        context.Findings.Error(service.At, "service " + service.Key + ": there is no program " + service.Command, meant is null ? "remove the line" : "did you mean `" + meant + "`?");
    }
}
