using System.IO.Pipelines;
using Estafette.Program.Submission;
using Estafette.Smtpd;

namespace Estafette.Program.Daemon;

/// <summary>
/// The client's end of an SMTP session in memory. Disposing it ends the session, whatever state it is in, and waits for that: both
/// pipes are closed first, so neither side can wait for the other.
/// </summary>
internal sealed class DropSession : IAsyncDisposable
{
    private readonly Pipe _toServer = new();
    private readonly Pipe _toClient = new();
    private readonly PipeStream _stream;
    private readonly Task _serving;

    public DropSession(Func<IDuplexPipe, CancellationToken, Task> serve, CancellationToken cancellationToken)
    {
        _stream = new PipeStream(_toClient.Reader, _toServer.Writer);
        Dialogue = new SmtpDialogue(_stream, null);
        _serving = serve(new ServerEnd(_toServer.Reader, _toClient.Writer), cancellationToken);
    }

    public SmtpDialogue Dialogue { get; }

    /// <summary>
    /// Sends a message that stands as SMTP carries it, final dot included, and gives the answer. What stands behind an earlier final dot is not sent any
    /// more once the answer has come: it is a stranger's file.
    /// </summary>
    public async Task<(int Code, string Text)> SendMessageAsync(Stream message, CancellationToken cancellationToken)
    {
        using var answered = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<(int Code, string Text)> answer = Dialogue.ReplyAsync(cancellationToken);
        Task sending = SendAsync(message, answered.Token);
        try
        {
            return await answer;
        }
        finally
        {
            await answered.CancelAsync();
            await sending;
        }
    }

    private async Task SendAsync(Stream message, CancellationToken cancellationToken)
    {
        try
        {
            await message.CopyToAsync(_stream, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The answer came first.
        }
        finally
        {
            // A message that turns out to have no end is not waited for.
            await _toServer.Writer.CompleteAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _toServer.Writer.CompleteAsync();
        await _toClient.Reader.CompleteAsync();
        await _serving;
        await _stream.DisposeAsync();
    }

    private sealed record ServerEnd(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
