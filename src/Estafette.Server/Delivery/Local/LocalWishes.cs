using System.Collections.Concurrent;
using Estafette.Mail;
using Estafette.Routing;

namespace Estafette.Delivery.Local;

/// <summary>
/// Asks the privileged side for the forward file of a local(8) action, or for a file that it includes. An answer is kept for a second and questions at the same time share one, so that
/// many messages for one user cost one look.
/// </summary>
public sealed class LocalWishes(LocalConnections connections, TimeProvider clock)
{
    private const int MaximumAnswers = 10_000;
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<(string Action, string User, string Local, string Domain, string Target), Answer> _answers = new();

    private sealed record Answer(Lazy<Task<ForwardFile>> File, long Asked);

    public async ValueTask<ForwardFile> ReadAsync(LocalEnvelope question, CancellationToken cancellationToken)
    {
        if (_answers.Count > MaximumAnswers)
            _answers.Clear();
        var key = (question.Action, question.User, question.Destination.LocalPart, question.Destination.Domain, question.Target);
        Answer answer = _answers.GetOrAdd(key, _ => New(question));
        if (clock.GetElapsedTime(answer.Asked) >= Freshness && answer.File.Value.IsCompleted)
        {
            Answer newer = New(question);
            answer = _answers.TryUpdate(key, newer, answer) ? newer : _answers.GetOrAdd(key, newer);
        }
        return await answer.File.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private Answer New(LocalEnvelope question) => new(new Lazy<Task<ForwardFile>>(() => AskAsync(question)), clock.GetTimestamp());

    /// <summary>Shared by several askers, so no single one of them can cancel it.</summary>
    private async Task<ForwardFile> AskAsync(LocalEnvelope question)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        LocalConnection? connection = null;
        try
        {
            (connection, LocalReply? refusal) = await connections.RentAsync(new LocalIdentity(LocalIdentityKind.User, User: question.User), limit.Token).ConfigureAwait(false);
            if (connection is null)
                return refusal!.Code >= 500 ? ForwardFile.None.Instance : new ForwardFile.Unavailable(refusal.Text);
            ForwardFile file = await connection.ReadWishesAsync(question, limit.Token).ConfigureAwait(false);
            connections.Return(connection);
            return file;
        }
        catch (OperationCanceledException)
        {
            connection?.Break();
            return new ForwardFile.Unavailable($"the forward file of {question.User} was not read in time");
        }
    }
}
