using System.Collections.Concurrent;
using Estafette.Mail;
using Estafette.Routing;

namespace Estafette.Delivery.Local;

/// <summary>
/// Asks the privileged side for users' forward files. An answer is kept for a second and questions at the same time share one, so that a message for many
/// aliases of one user, or many messages for one user, cost one look.
/// </summary>
public sealed class LocalForwardFiles(LocalConnections connections, TimeProvider clock) : IForwardFiles
{
    private const int MaximumAnswers = 10_000;
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<(string User, string Detail), Answer> _answers = new();

    private sealed record Answer(Lazy<Task<ForwardFile>> File, long Asked);

    public async ValueTask<ForwardFile> ReadAsync(string user, string detail, CancellationToken cancellationToken)
    {
        if (user.Length == 0)
            return ForwardFile.None.Instance;
        if (_answers.Count > MaximumAnswers)
            _answers.Clear();
        (string, string) key = (user, detail);
        Answer answer = _answers.GetOrAdd(key, New);
        if (clock.GetElapsedTime(answer.Asked) >= Freshness && answer.File.Value.IsCompleted)
        {
            Answer newer = New(key);
            answer = _answers.TryUpdate(key, newer, answer) ? newer : _answers.GetOrAdd(key, newer);
        }
        return await answer.File.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private Answer New((string User, string Detail) key) => new(new Lazy<Task<ForwardFile>>(() => AskAsync(key.User, key.Detail)), clock.GetTimestamp());

    /// <summary>Shared by several askers, so no single one of them can cancel it.</summary>
    private async Task<ForwardFile> AskAsync(string user, string detail)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        (LocalConnection? connection, LocalReply? refusal) = (null, null);
        try
        {
            (connection, refusal) = await connections.RentAsync(new LocalIdentity(LocalIdentityKind.User, User: user), limit.Token).ConfigureAwait(false);
            if (connection is null)
                return Refused(user, refusal!);
            ForwardFile file = await connection.ReadForwardFileAsync(detail, limit.Token).ConfigureAwait(false);
            connections.Return(connection);
            return file;
        }
        catch (OperationCanceledException)
        {
            connection?.Break();
            return new ForwardFile.Unavailable($"the forward file of {user} was not read in time");
        }
    }

    /// <summary>
    /// A name without an account has no forward file, and neither has root, to whom nothing is delivered without an alias (E17). Everything else is "not now".
    /// </summary>
    private static ForwardFile Refused(string user, LocalReply refusal) =>
        refusal.Code >= 500 || string.Equals(user, "root", StringComparison.Ordinal) ? ForwardFile.None.Instance : new ForwardFile.Unavailable(refusal.Text);
}
