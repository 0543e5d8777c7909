using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// What the end of a command means in Postfix's words (pipe(8), local(8)): a status of its own in the output counts first, then sysexits.h; the output goes to the sender.
/// </summary>
internal static class CommandStatus
{
    /// <param name="status">As wait(2) gives it.</param>
    /// <param name="output">What the command wrote, in one line.</param>
    /// <param name="command">Its text.</param>
    public static LocalReply Answer(int status, string output, string command)
    {
        string told = output.Length == 0 ? "" : ". Command output: " + output;
        if ((status & 0x7f) is int signal and not 0)
            return LocalReply.Defer(3, 0, $"Command died with signal {signal}: \"{command}\"{told}");
        int code = (status >> 8) & 0xff;
        if (code == 0)
            return output.Length == 0 ? LocalReply.Delivered : new LocalReply(250, new(2, 0, 0), output);
        int blank = output.IndexOf(' ', StringComparison.Ordinal);
        if (EnhancedStatus.TryParse(output.AsSpan(0, blank < 0 ? output.Length : blank), out EnhancedStatus own) && own.Class is 4 or 5)
            return new LocalReply(own.Class == 4 ? 450 : 550, own, blank < 0 ? "" : output[blank..].Trim());
        if (code is < 64 or > 78)
            return LocalReply.Fail(3, 0, $"Command died with status {code}: \"{command}\"{told}");
        EnhancedStatus meaning = ExitStatus.Meaning(code);
        return new LocalReply(meaning.Class == 4 ? 450 : 550, meaning, ExitStatus.Phrase(code) + told);
    }

    public static LocalReply TooLate(string output, string command) =>
        LocalReply.Fail(3, 0, $"Command time limit exceeded: \"{command}\"{(output.Length == 0 ? "" : ". Command output: " + output)}");
}
