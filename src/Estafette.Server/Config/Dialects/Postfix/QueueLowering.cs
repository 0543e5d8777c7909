using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What qmgr(8), bounce(8) and the master take from main.cf: life times, the pace of attempts, and limits of the whole.</summary>
internal static class QueueLowering
{
    public static RetryConfig Retry(ParameterReader global)
    {
        TimeSpan warning = global.Time("delay_warning_time");
        return new RetryConfig
        {
            Schedule = Waits(global.Time("minimal_backoff_time"), global.Time("maximal_backoff_time")),
            Lifetime = global.Time("maximal_queue_lifetime"),
            NotificationLifetime = global.Time("bounce_queue_lifetime"),
            WarnAfter = warning > TimeSpan.Zero ? [warning] : [],
        };
    }

    public static LimitsConfig Limits(ParameterReader global)
    {
        var standard = new LimitsConfig();
        long size = global.Number("message_size_limit");
        return standard with
        {
            // 0 is no limit there; here a limit has a number.
            MessageSize = size > 0 ? size : long.MaxValue / 4,
            Hops = global.Count("hopcount_limit"),
            Sessions = Math.Max(1, global.Count("default_process_limit")) * 40,
            ActiveMessages = Math.Max(1, global.Count("qmgr_message_active_limit")),
        };
    }

    /// <summary>The age of a message at its attempt, within the two bounds, is the wait until the next: each wait doubles the age.</summary>
    private static ImmutableArray<TimeSpan> Waits(TimeSpan least, TimeSpan most)
    {
        var waits = ImmutableArray.CreateBuilder<TimeSpan>();
        TimeSpan wait = least > TimeSpan.Zero ? least : TimeSpan.FromSeconds(1);
        while (wait < most)
        {
            waits.Add(wait);
            wait += wait;
        }
        waits.Add(most > TimeSpan.Zero ? most : wait);
        return waits.ToImmutable();
    }
}
