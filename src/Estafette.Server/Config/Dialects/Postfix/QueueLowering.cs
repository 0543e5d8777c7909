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

    /// <summary>What bounce(8) sends, and to whom.</summary>
    public static NotificationConfig Notifications(ParameterReader global)
    {
        var classes = NoticeClasses.None;
        foreach (string word in global.Words("notify_classes"))
        {
            classes |= word.ToLowerInvariant() switch { "bounce" => NoticeClasses.Bounce, "2bounce" => NoticeClasses.DoubleBounce, "delay" => NoticeClasses.Delay, _ => NoticeClasses.None };
            if (word.ToLowerInvariant() is not ("bounce" or "2bounce" or "delay" or "data" or "policy" or "protocol" or "resource" or "software"))
                global.Fail("notify_classes", "unknown notify_classes value \"" + word + "\"", "the words are bounce, 2bounce, delay, data, policy, protocol, resource and software");
        }
        return new NotificationConfig
        {
            Classes = classes,
            BounceRecipient = global.Text("bounce_notice_recipient"),
            DoubleBounceRecipient = global.Text("2bounce_notice_recipient"),
            DelayRecipient = global.Text("delay_notice_recipient"),
            ReturnedSize = global.Number("bounce_size_limit"),
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
            // A limit on processes is one on sessions where there are none; what nobody asked for does not bind a server that can do more.
            Sessions = global.IsSet("default_process_limit") ? Math.Max(1, global.Count("default_process_limit")) : standard.Sessions,
            ActiveMessages = Math.Max(1, global.Count("qmgr_message_active_limit")),
        };
    }

    /// <summary>The wait after an attempt is the age that the message has then, within the two bounds (<c>postconf(5) minimal_backoff_time</c>).</summary>
    private static ImmutableArray<TimeSpan> Waits(TimeSpan least, TimeSpan most)
    {
        var waits = ImmutableArray.CreateBuilder<TimeSpan>();
        TimeSpan wait = least > TimeSpan.Zero ? least : TimeSpan.FromSeconds(1);
        TimeSpan age = TimeSpan.Zero;
        while (wait < most)
        {
            waits.Add(wait);
            age += wait;
            wait = age;
        }
        waits.Add(most > TimeSpan.Zero ? most : wait);
        return waits.ToImmutable();
    }
}
