using System.Text;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>
/// The way in while the daemon is down: a folder where anybody may create files and nobody but the daemon may read or list them. A file is
/// complete when it has its final name; the name is given only after the octets are on the disk.
/// Format: <c>estafette-drop 1</c>, lines <c>key value</c>, an empty line, then the message as SMTP carries it.
/// </summary>
internal static class DropFolder
{
    public const string Magic = "estafette-drop 1";
    public const string Suffix = ".drop";

    /// <summary>Null when kept; else why not.</summary>
    public static async Task<string?> KeepAsync(StateFolder state, Submission submission, CancellationToken cancellationToken)
    {
        string name = Guid.NewGuid().ToString("N");
        string temporary = Path.Combine(state.Drop, name + ".tmp");
        try
        {
            await using (var file = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            }))
            {
                // The folder gives its group to the file; the mask must not take the group's right away.
                _ = Native.ChangeMode(file.SafeFileHandle, 0b110_100_000);
                await file.WriteAsync(Encoding.UTF8.GetBytes(Envelope(submission)), cancellationToken);
                await MessageEncoder.WriteAsync(submission, file, cancellationToken);
                await file.WriteAsync(".\r\n"u8.ToArray(), cancellationToken);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, Path.Combine(state.Drop, name + Suffix));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static string Envelope(Submission submission)
    {
        var text = new StringBuilder(Magic).Append('\n');
        text.Append("mail <").Append(submission.ReversePath).Append('>').Append(submission.MailParameters).Append('\n');
        foreach (string recipient in submission.Recipients)
            text.Append("rcpt <").Append(recipient).Append('>').Append(submission.RecipientParameters).Append('\n');
        return text.Append('\n').ToString();
    }
}
