using System.Net;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tests.Queue;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>What lanes remember of hosts that failed, on a clock that the test moves.</summary>
public sealed class HostHealthTests
{
    private static readonly RelayEndPoint s_first = new("a.test", new IPEndPoint(IPAddress.Loopback, 25)) { Fixed = true };
    private static readonly DeliveryOutcome s_refused = DeliveryOutcome.Deferred(new(4, 4, 1), "connect to a.test: Connection refused", OutcomeScope.NextHop);

    private readonly ManualClock _clock = new();
    private readonly EventList _events = new();
    private readonly HostHealth _health;

    public HostHealthTests() => _health = new HostHealth(new EventSink(_clock, _events), _clock);

    [Fact]
    public void A_failed_host_rests_for_longer_each_time_up_to_a_limit()
    {
        var rests = new List<TimeSpan>();
        for (int i = 0; i < 8; i++)
        {
            Assert.Null(_health.Ask(s_first, "out", lastResort: false));
            _health.Failed(s_first, "out", s_refused, wholeHost: true);
            TimeSpan rest = TimeSpan.Zero;
            while (_health.Ask(s_first, "out", lastResort: false) is not null)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                rest += TimeSpan.FromSeconds(1);
            }
            _health.GaveUp(s_first, "out");
            rests.Add(rest);
        }
        Assert.Equal([30, 60, 120, 240, 480, 900, 900, 900], rests.Select(r => (int)r.TotalSeconds));
        Assert.All(rests, r => Assert.InRange(r, HostHealth.FirstPause, HostHealth.LongestPause));
    }

    [Fact]
    public void Attempts_that_fail_side_by_side_are_one_failure()
    {
        foreach (int _ in Enumerable.Range(0, 3))
            Assert.Null(_health.Ask(s_first, "out", lastResort: false));
        foreach (int _ in Enumerable.Range(0, 3))
            _health.Failed(s_first, "out", s_refused, wholeHost: true);
        Assert.Equal(HostHealth.FirstPause, Assert.IsType<RelayHostDown>(Assert.Single(_events.Events)).Pause);
    }

    [Fact]
    public void One_lane_probes_at_a_time_and_the_others_are_told_why_they_wait()
    {
        Fail(wholeHost: true);
        _clock.Advance(HostHealth.FirstPause);
        Assert.Null(_health.Ask(s_first, "out", lastResort: false));
        Assert.Contains("Connection refused", _health.Ask(s_first, "out", lastResort: false)!.Text, StringComparison.Ordinal);
        Assert.NotNull(_health.Ask(s_first, "other", lastResort: true));
        _health.Opened(s_first, "out");
        Assert.Null(_health.Ask(s_first, "out", lastResort: false));
        Assert.Equal(0, _health.Resting);
        Assert.Equal([typeof(RelayHostDown), typeof(RelayHostReturned)], _events.Events.Select(e => e.GetType()));
    }

    [Fact]
    public void Where_there_is_no_other_host_it_is_probed_before_its_rest_is_over()
    {
        Fail(wholeHost: true);
        Assert.NotNull(_health.Ask(s_first, "out", lastResort: true));
        _clock.Advance(HostHealth.LeastPause);
        Assert.NotNull(_health.Ask(s_first, "out", lastResort: false));
        Assert.Null(_health.Ask(s_first, "out", lastResort: true));
    }

    [Fact]
    public void What_is_one_action_s_trouble_does_not_concern_others()
    {
        Fail(wholeHost: false);
        Assert.NotNull(_health.Ask(s_first, "out", lastResort: false));
        Assert.Null(_health.Ask(s_first, "unverified", lastResort: false));
    }

    [Fact]
    public void A_full_house_is_no_dead_host()
    {
        _health.Opened(s_first, "out");
        Fail(wholeHost: true);
        Assert.Null(_health.Ask(s_first, "out", lastResort: false));
        _health.Closed(s_first);
        Fail(wholeHost: true);
        Assert.NotNull(_health.Ask(s_first, "out", lastResort: false));
    }

    [Fact]
    public void An_operator_s_flush_ends_all_rests()
    {
        Fail(wholeHost: true);
        Assert.Equal("a.test[127.0.0.1]:25", Assert.Single(_health.List()).Host);
        _health.Wake();
        Assert.Null(_health.Ask(s_first, "out", lastResort: false));
    }

    [Fact]
    public void Its_memory_is_bounded()
    {
        for (int i = 0; i < HostHealth.Remembered + 100; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            _health.Failed(new RelayEndPoint($"h{i}.test", new IPEndPoint(IPAddress.Loopback, 25)), "out", s_refused, wholeHost: true);
        }
        Assert.Equal(HostHealth.Remembered, _health.Resting);
    }

    private void Fail(bool wholeHost)
    {
        Assert.Null(_health.Ask(s_first, "out", lastResort: false));
        _health.Failed(s_first, "out", s_refused, wholeHost);
    }
}
