namespace Estafette.Program.Daemon;

/// <summary>
/// Something that is asked for by many and done by one at a time: who asks while a run waits for its turn gets the result of that run, so a flood of requests is two runs.
/// A run that has begun is not joined, because it may have read what the asker has changed since.
/// </summary>
internal sealed class SharedRun(SemaphoreSlim turn, Func<Task<string?>> run)
{
    private readonly Lock _gate = new();
    private Task<string?>? _waiting;

    public Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            return (_waiting ??= RunAsync()).WaitAsync(cancellationToken);
    }

    private async Task<string?> RunAsync()
    {
        // Never done before the asker has it: the field is set behind this call.
        await Task.Yield();
        await turn.WaitAsync();
        try
        {
            lock (_gate)
                _waiting = null;
            return await run();
        }
        finally
        {
            turn.Release();
        }
    }
}
