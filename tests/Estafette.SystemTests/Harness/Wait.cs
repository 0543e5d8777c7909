using System.Diagnostics;

namespace Estafette.SystemTests.Harness;

/// <summary>Waiting for a condition with a deadline; a test never sleeps for luck.</summary>
internal static class Wait
{
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    public static async Task UntilAsync(Func<bool> condition, string what, TimeSpan? deadline = null)
    {
        await UntilAsync(() => Task.FromResult(condition()), what, deadline);
    }

    /// <param name="story">What had happened by the deadline.</param>
    public static async Task UntilAsync(Func<bool> condition, string what, TimeSpan? deadline, Func<string> story) =>
        await UntilAsync(() => Task.FromResult(condition()), what, deadline, story);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null, Func<string>? story = null)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan limit = deadline ?? Usual;
        while (!await condition())
        {
            if (clock.Elapsed >= limit)
                Assert.Fail($"within {limit.TotalSeconds:0} s this did not happen: {what}\n{story?.Invoke()}");
            await Task.Delay(20);
        }
    }
}
