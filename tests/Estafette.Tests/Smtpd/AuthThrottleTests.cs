using System.Globalization;
using System.Net;
using global::Estafette.Config.Model;
using global::Estafette.Smtpd;
using global::Estafette.Smtpd.Auth;

namespace Estafette.Tests.Smtpd;

public sealed class AuthThrottleTests
{
    private readonly Clock _clock = new();
    private readonly LimitsConfig _limits = new();
    private readonly AuthThrottle _throttle;

    public AuthThrottleTests() => _throttle = new AuthThrottle(_clock);

    [Fact]
    public void E10_a_network_that_fails_too_often_is_not_asked_until_the_window_has_passed()
    {
        for (int i = 0; i < _limits.AuthFailuresPerClient; i++)
        {
            Assert.False(_throttle.IsBlocked(Net("192.0.2.1"), _limits));
            _throttle.Failed(Net("192.0.2.1"), "login" + i.ToString(CultureInfo.InvariantCulture), _limits);
        }
        Assert.True(_throttle.IsBlocked(Net("192.0.2.1"), _limits));
        Assert.False(_throttle.IsBlocked(Net("192.0.2.2"), _limits));
        _throttle.Succeeded(Net("192.0.2.1"), "own");
        Assert.True(_throttle.IsBlocked(Net("192.0.2.1"), _limits));
        _clock.Now += 2 * _limits.AuthWindow;
        Assert.False(_throttle.IsBlocked(Net("192.0.2.1"), _limits));
    }

    [Fact]
    public void E10_a_64_of_IPv6_is_one_network()
    {
        for (int i = 0; i < _limits.AuthFailuresPerClient; i++)
            _throttle.Failed(Net("2001:db8:1:2::" + i.ToString("x", CultureInfo.InvariantCulture)), null, _limits);
        Assert.True(_throttle.IsBlocked(Net("2001:db8:1:2:ffff::1"), _limits));
        Assert.False(_throttle.IsBlocked(Net("2001:db8:1:3::1"), _limits));
    }

    [Fact]
    public void E10_an_attack_on_a_login_delays_strangers_and_never_its_owner()
    {
        _throttle.Succeeded(Net("198.51.100.7"), "alice");
        TimeSpan longest = default;
        for (int i = 0; i < 200; i++)
        {
            _throttle.Failed(Net($"192.0.2.{i}"), "Alice", _limits);
            AuthAdmission stranger = _throttle.Admit(Net("203.0.113.1"), "ALICE", _limits);
            Assert.False(stranger.Refused);
            Assert.True(stranger.Delay >= longest);
            longest = stranger.Delay;
            Assert.Equal(new AuthAdmission(false, default, true), _throttle.Admit(Net("198.51.100.7"), "alice", _limits));
        }
        Assert.Equal(TimeSpan.FromSeconds(20), longest);
        Assert.Equal(default, _throttle.Admit(Net("203.0.113.1"), "bob", _limits).Delay);
    }

    [Fact]
    public void E10_a_login_from_one_network_is_told_to_come_later_and_works_from_elsewhere()
    {
        for (int i = 0; i < _limits.AuthFailuresPerLogin; i++)
            _throttle.Failed(Net("192.0.2.1"), "alice", _limits);
        Assert.True(_throttle.Admit(Net("192.0.2.1"), "alice", _limits).Refused);
        Assert.False(_throttle.Admit(Net("192.0.2.1"), "bob", _limits).Refused);
        Assert.False(_throttle.Admit(Net("192.0.2.2"), "alice", _limits).Refused);
    }

    [Fact]
    public void E10_a_storm_of_failures_delays_all_strangers()
    {
        _throttle.Succeeded(Net("198.51.100.7"), "alice");
        for (int i = 0; i < _limits.AuthFailuresTotal; i++)
            _throttle.Failed(Net($"10.0.{i / 250}.{i % 250}"), $"login{i}", _limits);
        Assert.True(_throttle.Admit(Net("203.0.113.1"), "bob", _limits).Delay > TimeSpan.Zero);
        Assert.Equal(default, _throttle.Admit(Net("198.51.100.7"), "alice", _limits).Delay);
    }

    [Fact]
    public void The_window_slides_and_what_is_remembered_is_bounded()
    {
        var counts = new SlidingCounts<int>(100);
        TimeSpan window = TimeSpan.FromMinutes(10);
        DateTimeOffset start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (int i = 0; i < 10; i++)
            counts.Add(-1, start, window);
        Assert.Equal(10, counts.Get(-1, start, window));
        Assert.Equal(5, counts.Get(-1, start + (1.5 * window), window));
        Assert.Equal(0, counts.Get(-1, start + (2 * window), window));
        for (int i = 0; i < 1000; i++)
        {
            counts.Add(i, start, window);
            Assert.InRange(counts.Keys, 1, 100);
        }
        Assert.Equal(10, counts.Get(-1, start, window));
    }

    [Fact]
    public async Task E10_few_checks_run_at_once_and_who_is_known_goes_first()
    {
        var checks = new PasswordCheck();
        int most = Math.Max(1, Environment.ProcessorCount / 2);
        var gate = new TaskCompletionSource();
        var order = new List<string>();
        async ValueTask<CredentialCheck> Check(string who)
        {
            await gate.Task;
            lock (order)
                order.Add(who);
            return CredentialCheck.Right;
        }
        Task<CredentialCheck> Start(string who, bool known) => checks.RunAsync(() => Check(who), new CheckTurn(known, 1), CancellationToken.None).AsTask();
        Task<CredentialCheck>[] strangers = [.. Enumerable.Range(0, 101).Select(i => Start("stranger", known: false))];
        Task<CredentialCheck> owner = Start("owner", known: true);
        Assert.Equal(CredentialCheck.Unavailable, await Start("one too many", known: false));
        gate.SetResult();
        Assert.All(await Task.WhenAll(strangers), c => Assert.Equal(CredentialCheck.Right, c));
        await owner;
        Assert.Equal(1, order.IndexOf("owner"));
        Assert.Equal(1, checks.Peak);
        Assert.True(most >= 1);
    }

    [Fact]
    public async Task A_check_that_nobody_waits_for_gives_its_turn_on()
    {
        var checks = new PasswordCheck();
        var gate = new TaskCompletionSource();
        var turn = new CheckTurn(false, 1);
        Task first = checks.RunAsync(async () => { await gate.Task; return CredentialCheck.Right; }, turn, CancellationToken.None).AsTask();
        using var stop = new CancellationTokenSource();
        Task second = checks.RunAsync(() => ValueTask.FromResult(CredentialCheck.Right), turn, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        gate.SetResult();
        await first;
        Assert.Equal(CredentialCheck.Right, await checks.RunAsync(() => ValueTask.FromResult(CredentialCheck.Right), turn, CancellationToken.None));
    }

    [Theory]
    [InlineData("$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/", true)]
    [InlineData("{CRYPT}$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/", true)]
    [InlineData("{SHA512-CRYPT}$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/", true)]
    [InlineData("$6$conform$XbiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/", false)]
    [InlineData("secret", false)]
    [InlineData("{PLAIN}secret", null)]
    [InlineData("!", null)]
    [InlineData("*", null)]
    [InlineData("", null)]
    [InlineData("SCRAM-SHA-256$99999999:a$b:c", null)]
    public void Stored_forms_are_read_and_everything_else_never_fits(string stored, bool? fits) => Assert.Equal(fits, StoredPassword.Fits(stored, "secret"u8));

    private static ClientNetwork? Net(string address) => ClientNetwork.Of(IPAddress.Parse(address));

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
