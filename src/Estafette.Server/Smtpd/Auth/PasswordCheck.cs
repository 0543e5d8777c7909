namespace Estafette.Smtpd.Auth;

/// <summary>
/// Checks passwords on the thread pool, and only a few at once: hashing is the one thing a stranger can make us do that costs a core (E10). Who is known goes before
/// strangers, so that a rightful login works while others guess; who would have to wait in a full line is told to come back.
/// </summary>
internal sealed class PasswordCheck
{
    /// <summary>Checks that may wait for a turn, of strangers and of known ones each.</summary>
    private const int MaximumWaiting = 100;

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _known = new();
    private readonly Queue<TaskCompletionSource> _strangers = new();
    private int _running;

    /// <summary>The most checks that ran at once.</summary>
    public int Peak { get; private set; }

    /// <param name="stored">What the table holds; null for a login that does not exist.</param>
    /// <param name="model">A row of the same table: where there is nothing to check against, this is, so that the answer takes as long.</param>
    public ValueTask<CredentialCheck> VerifyAsync(string? stored, string model, ReadOnlyMemory<byte> password, CheckTurn turn, CancellationToken cancellationToken) =>
        RunAsync(
            () =>
            {
                bool? fits = stored is null ? null : StoredPassword.Fits(stored, password.Span);
                if (fits is null)
                    StoredPassword.Fits(model, password.Span);
                return ValueTask.FromResult(fits == true ? CredentialCheck.Right : CredentialCheck.Wrong);
            },
            turn, cancellationToken);

    /// <summary>Runs a check when its turn comes.</summary>
    public async ValueTask<CredentialCheck> RunAsync(Func<ValueTask<CredentialCheck>> check, CheckTurn turn, CancellationToken cancellationToken)
    {
        if (Enter(turn) is not { } admitted)
            return CredentialCheck.Unavailable;
        try
        {
            await admitted.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The turn may have come, or come later: it is given on either way.
            _ = admitted.ContinueWith(_ => Leave(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
        try
        {
            return await Task.Run(async () => await check(), cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    private Task? Enter(CheckTurn turn)
    {
        lock (_lock)
        {
            if (_running < Math.Clamp(Environment.ProcessorCount / 2, 1, turn.AtOnce))
            {
                Peak = Math.Max(Peak, ++_running);
                return Task.CompletedTask;
            }
            Queue<TaskCompletionSource> line = turn.IsKnown ? _known : _strangers;
            if (line.Count >= MaximumWaiting)
                return null;
            var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            line.Enqueue(place);
            return place.Task;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (_known.TryDequeue(out TaskCompletionSource? next) || _strangers.TryDequeue(out next))
                next.SetResult();
            else
                _running--;
        }
    }
}

/// <summary>Whose check it is, and how many may run at once.</summary>
internal readonly record struct CheckTurn(bool IsKnown, int AtOnce);
