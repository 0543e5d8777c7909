using System.Diagnostics;

namespace Estafette.SystemTests.Harness;

/// <summary>Waiting for a condition with a deadline; a test never sleeps for luck.</summary>
internal static class Wait
{
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(30);

    public static async Task UntilAsync(Func<bool> condition, string what, TimeSpan? deadline = null)
    {
        await UntilAsync(() => Task.FromResult(condition()), what, deadline);
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan limit = deadline ?? Usual;
        while (!await condition())
        {
            Assert.True(clock.Elapsed < limit, $"within {limit.TotalSeconds:0} s this did not happen: {what}");
            await Task.Delay(20);
        }
    }
}
