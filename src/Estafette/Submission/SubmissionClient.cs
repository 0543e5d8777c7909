using System.Net.Sockets;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>How a submission ended: 250 with its text, a refusal with the server's words, or no daemon to talk to.</summary>
internal abstract record SubmissionResult
{
    private SubmissionResult() { }

    public sealed record Accepted(string Reply) : SubmissionResult;

    public sealed record Refused(string Reply, bool Permanent) : SubmissionResult;

    /// <summary>Nothing was promised; the drop folder is next.</summary>
    public sealed record NoDaemon(string Reason) : SubmissionResult;
}

/// <summary>
/// Speaks SMTP over the daemon's Unix socket, reply by reply: local submission takes the same road as mail from the network, and
/// <c>-v</c> can show the dialogue (O17). Says <see cref="SubmissionResult.NoDaemon"/> for every failure before the final 250: nothing is lost, the caller offers it elsewhere.
/// </summary>
internal sealed class SubmissionClient(StateFolder state, TextWriter? transcript)
{
    public async Task<SubmissionResult> SendAsync(Submission submission, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(state.SubmissionSocket), cancellationToken);
            await using var stream = new NetworkStream(socket);
            return await DialogueAsync(submission, stream, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // The library's words for a socket that does not exist speak of addresses.
            return new SubmissionResult.NoDaemon(e is SocketException { SocketErrorCode: SocketError.AddressNotAvailable } ? "there is no socket " + state.SubmissionSocket : e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new SubmissionResult.NoDaemon("the daemon does not answer");
        }
    }

    private async Task<SubmissionResult> DialogueAsync(Submission submission, NetworkStream stream, CancellationToken cancellationToken)
    {
        var dialogue = new SmtpDialogue(stream, transcript);
        (int code, string text) = await dialogue.ReplyAsync(cancellationToken);
        if (code != 220)
            return new SubmissionResult.NoDaemon(text);
        List<string> commands = ["EHLO localhost", $"MAIL FROM:<{submission.ReversePath}>{submission.MailParameters}"];
        foreach (string recipient in submission.Recipients)
            commands.Add($"RCPT TO:<{recipient}>{submission.RecipientParameters}");
        commands.Add("DATA");
        foreach (string command in commands)
        {
            (code, text) = await dialogue.AskAsync(command, cancellationToken);
            if (code >= 400)
            {
                await LeaveAsync(dialogue, cancellationToken);
                return code == 421 ? new SubmissionResult.NoDaemon(text) : new SubmissionResult.Refused(text, code >= 500);
            }
        }
        await MessageEncoder.WriteAsync(submission, stream, cancellationToken);
        (code, text) = await dialogue.AskAsync(".", cancellationToken);
        if (code < 400)
            await LeaveAsync(dialogue, cancellationToken);
        return code switch
        {
            >= 500 => new SubmissionResult.Refused(text, true),
            >= 400 => new SubmissionResult.NoDaemon(text),
            _ => new SubmissionResult.Accepted(text),
        };
    }

    /// <summary>What was answered stands, also where the daemon is gone before it says goodbye: sent elsewhere as well, the message would come twice.</summary>
    private static async Task LeaveAsync(SmtpDialogue dialogue, CancellationToken cancellationToken)
    {
        try
        {
            await dialogue.AskAsync("QUIT", cancellationToken);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // It left first.
        }
    }
}
