using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Estafette.Events;
using Estafette.Program.Submission;

namespace Estafette.Program.Daemon;

/// <summary>
/// Takes in what commands left in the drop folder while the daemon was down: at start, then every few seconds. Each message goes through an
/// ordinary local session as its owner. A temporary refusal leaves the file for the next round; a permanent one is told to the sender;
/// what cannot be read at all is left where it is and reported once.
/// </summary>
internal sealed class DropFolderReader(StateFolder state, Func<uint, IDuplexPipe, CancellationToken, Task> session, EventSink events)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    /// <summary>Files taken in one round; the rest wait for the next.</summary>
    private const int MaximumRound = 10_000;
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval);
        do
        {
            foreach (string path in Directory.EnumerateFiles(state.Drop, "*" + DropFolder.Suffix).Take(MaximumRound))
                await TakeAsync(path, cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task TakeAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using DropFile? file = DropFile.Open(path, out string reason);
            if (file is null)
            {
                Report(path, reason);
                return;
            }
            List<string>? refused = await SubmitAsync(file, cancellationToken);
            if (refused is null)
                return;
            if (refused.Count > 0 && file.Sender.Length > 0 && !await NotifyAsync(file, refused, cancellationToken))
                return;
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Report(path, e.Message);
        }
    }

    private void Report(string path, string reason)
    {
        if (_reported.Add(path))
            events.Publish(new OperatorWarning("pickup", $"{path} is not taken: {reason}") { At = events.Now });
    }

    /// <summary>Null: try again later. Else the refusals, none when all were taken.</summary>
    private Task<List<string>?> SubmitAsync(DropFile file, CancellationToken cancellationToken) =>
        WithSessionAsync(file.Owner, stream => ReplayAsync(file, stream, cancellationToken), cancellationToken);

    private async Task<T> WithSessionAsync<T>(uint owner, Func<Stream, Task<T>> dialogue, CancellationToken cancellationToken)
    {
        var toServer = new Pipe();
        var toClient = new Pipe();
        Task serving = session(owner, new DuplexPipe(toServer.Reader, toClient.Writer), cancellationToken);
        await using var stream = new DuplexPipeStream(toClient.Reader, toServer.Writer);
        try
        {
            return await dialogue(stream);
        }
        finally
        {
            await toServer.Writer.CompleteAsync();
            await serving;
            await toClient.Reader.CompleteAsync();
        }
    }

    private static async Task<List<string>?> ReplayAsync(DropFile file, Stream stream, CancellationToken cancellationToken)
    {
        var dialogue = new SmtpDialogue(stream, null);
        var refused = new List<string>();
        if ((await dialogue.ReplyAsync(cancellationToken)).Code != 220)
            return null;
        await dialogue.AskAsync("EHLO localhost", cancellationToken);
        int accepted = 0;
        foreach (string command in file.Commands)
        {
            (int code, string text) = await dialogue.AskAsync(command, cancellationToken);
            if (code is >= 400 and < 500)
                return null;
            if (code >= 500)
                refused.Add(command + ": " + text);
            else if (command.StartsWith("RCPT", StringComparison.Ordinal))
                accepted++;
            if (code >= 500 && command.StartsWith("MAIL", StringComparison.Ordinal))
                return refused;
        }
        if (accepted == 0)
            return refused;
        if ((await dialogue.AskAsync("DATA", cancellationToken)).Code != 354)
            return null;
        // The message was written as SMTP carries it, final dot included.
        await file.Stream.CopyToAsync(stream, cancellationToken);
        (int end, string words) = await dialogue.ReplyAsync(cancellationToken);
        if (end is >= 400 and < 500)
            return null;
        if (end >= 500)
            refused.Add(words);
        return refused;
    }

    /// <summary>Tells the submitter, with the null reverse-path, what was refused; sendmail(1) had already ended well.</summary>
    private Task<bool> NotifyAsync(DropFile file, List<string> refused, CancellationToken cancellationToken) =>
        WithSessionAsync(0, async stream =>
        {
            var dialogue = new SmtpDialogue(stream, null);
            await dialogue.ReplyAsync(cancellationToken);
            await dialogue.AskAsync("EHLO localhost", cancellationToken);
            await dialogue.AskAsync("MAIL FROM:<>", cancellationToken);
            if ((await dialogue.AskAsync($"RCPT TO:<{file.Sender}>", cancellationToken)).Code is int code and >= 400)
                return code >= 500;
            await dialogue.AskAsync("DATA", cancellationToken);
            var text = new StringBuilder();
            text.Append(CultureInfo.InvariantCulture, $"From: Mailer Daemon <MAILER-DAEMON>\r\nTo: <{file.Sender}>\r\nSubject: Delivery status notification: failed\r\nAuto-Submitted: auto-replied\r\n\r\n");
            text.Append("A message that you left while the mail server was down was refused when it came back:\r\n\r\n");
            foreach (string line in refused)
                text.Append("  ").Append(line.Replace("\n", "\r\n  ", StringComparison.Ordinal)).Append("\r\n");
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
            return (await dialogue.AskAsync(".", cancellationToken)).Code == 250;
        }, cancellationToken);

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>The client's end of an in-memory session as a stream.</summary>
    private sealed class DuplexPipeStream(PipeReader input, PipeWriter output) : Stream
    {
        private readonly Stream _input = input.AsStream(leaveOpen: true);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await output.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush() { }
    }
}
