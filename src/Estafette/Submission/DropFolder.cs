using System.Text;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>
/// The way in while the daemon is down: a folder where anybody may create files and nobody but the daemon may read or list them. A file is
/// complete when it has its final name; the name is given only after the octets are on the disk, and the command ends well only after the name is, too.
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
            await using var file = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
            });
            // The folder gives its group to the file; the mask must not take the group's right away.
            _ = Native.ChangeMode(file.SafeFileHandle, 0b110_100_000);
            await file.WriteAsync(Encoding.UTF8.GetBytes(Envelope(submission)), cancellationToken);
            await MessageEncoder.WriteAsync(submission, file, cancellationToken);
            await file.WriteAsync(".\r\n"u8.ToArray(), cancellationToken);
            file.Flush(flushToDisk: true);
            // Overwriting means one rename(2): never a moment with two links, which the daemon would not trust.
            string complete = Path.Combine(state.Drop, name + Suffix);
            File.Move(temporary, complete, overwrite: true);
            temporary = complete;
            // The folder cannot be opened for a flush by who may not read it; the file system as a whole can.
            if (Native.FlushFileSystem(file.SafeFileHandle) != 0)
                throw new IOException("the drop folder cannot be made durable: " + Native.LastError());
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Forget(temporary);
            return e.Message;
        }
    }

    /// <summary>The caller is told that nothing was kept, so nothing is left.</summary>
    private static void Forget(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A message more is better than one less.
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
