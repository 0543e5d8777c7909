using Estafette.Program.Daemon;

namespace Estafette.Tests.Program;

/// <summary>Many who ask for the same share a run, but never one that had begun before they asked.</summary>
public sealed class SharedRunTests
{
    [Fact]
    public async Task A_flood_is_two_runs_and_the_second_sees_what_came_meanwhile()
    {
        using var turn = new SemaphoreSlim(1);
        var first = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int runs = 0;
        var shared = new SharedRun(turn, () =>
        {
            begun.TrySetResult();
            return Interlocked.Increment(ref runs) == 1 ? first.Task : Task.FromResult<string?>("second");
        });
        Task<string?> one = shared.AskAsync(CancellationToken.None);
        await begun.Task;
        Task<string?>[] flood = [.. Enumerable.Range(0, 100).Select(_ => shared.AskAsync(CancellationToken.None))];
        first.SetResult("first");
        Assert.Equal("first", await one);
        Assert.All(await Task.WhenAll(flood), answer => Assert.Equal("second", answer));
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task Who_stops_waiting_does_not_stop_the_run()
    {
        using var turn = new SemaphoreSlim(0);
        var shared = new SharedRun(turn, () => Task.FromResult<string?>("done"));
        using var impatient = new CancellationTokenSource();
        Task<string?> left = shared.AskAsync(impatient.Token), stays = shared.AskAsync(CancellationToken.None);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        turn.Release();
        Assert.Equal("done", await stays);
    }

    [Fact]
    public async Task One_that_fails_gives_its_turn_back()
    {
        using var turn = new SemaphoreSlim(1);
        int runs = 0;
        var shared = new SharedRun(turn, () => ++runs == 1 ? throw new InvalidOperationException() : Task.FromResult<string?>(null));
        await Assert.ThrowsAsync<InvalidOperationException>(() => shared.AskAsync(CancellationToken.None));
        Assert.Null(await shared.AskAsync(CancellationToken.None));
    }
}
