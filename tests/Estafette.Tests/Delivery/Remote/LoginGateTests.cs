using Estafette.Delivery.Remote;
using Estafette.Mail;
using Estafette.Tests.Queue;
using global::Estafette.Smtp;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>A refused login is not hammered, and a corrected one is not punished for it.</summary>
public sealed class LoginGateTests
{
    private static readonly DeliveryOutcome s_refused = DeliveryOutcome.Deferred(new(4, 7, 8), "535 5.7.8 no", OutcomeScope.NextHop) with { ReplyCode = 535 };
    private readonly ManualClock _clock = new();
    private readonly LoginGate _gate;

    public LoginGateTests() => _gate = new LoginGate(_clock);

    [Fact]
    public void O28_a_refusal_holds_for_longer_each_time_up_to_a_limit_and_keeps_the_words()
    {
        LoginKey key = Key("wrong");
        var holds = new List<int>();
        for (int i = 0; i < 7; i++)
        {
            _gate.Refused(key, s_refused);
            int minutes = 0;
            while (_gate.Held(key) is { } held)
            {
                Assert.StartsWith("535 5.7.8 no (not tried again before", held.Text, StringComparison.Ordinal);
                _clock.Advance(TimeSpan.FromMinutes(1));
                minutes++;
            }
            holds.Add(minutes);
        }
        Assert.Equal([10, 20, 40, 80, 160, 240, 240], holds);
    }

    [Fact]
    public void Another_password_another_login_or_another_service_is_not_held()
    {
        _gate.Refused(Key("wrong"), s_refused);
        Assert.NotNull(_gate.Held(Key("wrong")));
        Assert.Null(_gate.Held(Key("right")));
        Assert.Null(_gate.Held(_gate.KeyOf("a.test:587", new SaslCredentials("other", "wrong"))));
        Assert.Null(_gate.Held(_gate.KeyOf("b.test:587", new SaslCredentials("user", "wrong"))));
        Assert.DoesNotContain("wrong", Key("wrong").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_operator_s_flush_and_a_success_lift_it()
    {
        _gate.Refused(Key("wrong"), s_refused);
        _gate.Wake();
        Assert.Null(_gate.Held(Key("wrong")));
        _gate.Refused(Key("wrong"), s_refused);
        _gate.Accepted(Key("wrong"));
        Assert.Null(_gate.Held(Key("wrong")));
    }

    [Fact]
    public async Task A_login_that_has_not_worked_yet_is_tried_by_one_connection_at_a_time()
    {
        IDisposable first = (await _gate.EnterAsync(Key("new"), TimeSpan.FromSeconds(60), default))!;
        Task<IDisposable?> second = _gate.EnterAsync(Key("new"), TimeSpan.FromSeconds(30), default).AsTask();
        Assert.False(second.IsCompleted);
        _gate.Accepted(Key("new"));
        first.Dispose();
        using (await second)
        {
            // One that works is everybody's.
            using IDisposable? third = await _gate.EnterAsync(Key("new"), TimeSpan.Zero, default);
            Assert.NotNull(third);
        }
        using IDisposable? held = await _gate.EnterAsync(Key("slow"), TimeSpan.Zero, default);
        Assert.Null(await _gate.EnterAsync(Key("slow"), TimeSpan.FromMilliseconds(10), default));
    }

    private LoginKey Key(string password) => _gate.KeyOf("a.test:587", new SaslCredentials("user", password));
}
