using Estafette.Mail;
using Estafette.Program.Compile;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

/// <summary>What the hidden command's line says. All of it was fixed when the privileged process was started.</summary>
internal sealed record CompileOptions(DaemonOptions Daemon, string User, string Directory)
{
    /// <summary>Only the files that the configuration names, not the configuration.</summary>
    public bool Renew { get; init; }
}

/// <summary>
/// <c>estafette compile</c>: the compile step (DESIGN 6) as a process of its own, started as root by the privileged process with the daemon at its standard input and
/// output. It writes the handover, and what only root may write once the daemon says so. It reads at most one word.
/// </summary>
internal static class CompileCommand
{
    public static async Task<int> RunAsync(CompileOptions options)
    {
        if (!Environment.IsPrivilegedProcess || DaemonUser.TryParse(options.User) is not { } user)
        {
            Console.Error.WriteLine("estafette: compile is what the mail server's privileged process starts when it reloads; use 'estafette reload'");
            return ExitCode.Failure;
        }
        Native.SetMask(0b000_111_111);
        // It holds secrets: no core file.
        Native.ProcessControl(Native.SetDumpable, 0, 0, 0, 0);
        await using Stream output = Console.OpenStandardOutput();
        CompileStep? step = null;
        Compiled compiled;
        try
        {
            Directory.SetCurrentDirectory(options.Directory);
            step = new CompileStep(options.Daemon, user, new ConfigurationLoader(options.Daemon, user.Name));
            compiled = options.Renew ? await step.RenewAsync(CancellationToken.None) : await step.ReloadAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever it was, the daemon goes on with what it has, and says why.
            compiled = new Compiled(Handover.Refused(e is IOException or InvalidDataException or UnauthorizedAccessException ? e.Message : $"{e.GetType().Name}: {e.Message}"));
        }
        await HandoverCodec.WriteAsync(output, compiled.Handover, CancellationToken.None);
        if (step is null || !compiled.Handover.Problems.IsEmpty)
            return ExitCode.Failure;
        await using Stream input = Console.OpenStandardInput();
        if (await CompileSession.LineAsync(input, CancellationToken.None) != CompileProtocol.Commit)
            return ExitCode.Failure;
        LocalReply reply = Commit(step, compiled);
        await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes(reply.ToLine()));
        return reply.Code < 300 ? ExitCode.Ok : ExitCode.Failure;
    }

    private static LocalReply Commit(CompileStep step, Compiled compiled)
    {
        try
        {
            step.Commit(compiled);
            return new LocalReply(250, new EnhancedStatus(2, 0, 0), "done");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return LocalReply.Defer(3, 0, e.Message);
        }
    }
}
