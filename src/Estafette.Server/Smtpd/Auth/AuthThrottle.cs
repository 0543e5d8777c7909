using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Smtpd.Auth;

/// <summary>What the throttle says to an attempt.</summary>
/// <param name="Refused">Come later, without a check.</param>
/// <param name="Delay">To be waited before the check.</param>
/// <param name="IsKnown">The login has succeeded from this network before.</param>
internal readonly record struct AuthAdmission(bool Refused, TimeSpan Delay, bool IsKnown);

/// <summary>
/// Makes guessing slow (E10) without locking anybody out of his own account. Failures count for the client's network, for a login from that network, for a login from
/// everywhere, and for all. A network, or a login from one network, that fails too often is told to come later. A login that is attacked from everywhere, and a server that
/// is, only makes strangers wait, longer and longer; a network from which the login has succeeded before is not held up. Existing and unknown logins are treated alike.
/// Logins are kept as keyed digests. A success takes back nothing from the network's count: who has one account could else try all others.
/// </summary>
internal sealed class AuthThrottle(TimeProvider clock)
{
    private const int MaximumKeys = 10_000;

    /// <summary>Pairs of login and network that have succeeded, and are remembered.</summary>
    private const int MaximumKnown = 50_000;

    /// <summary>Attempts that may wait at once; more are told to come later.</summary>
    private const int MaximumDelayed = 500;

    private const int LongestDelaySeconds = 20;
    private static readonly TimeSpan s_stormDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_knownFor = TimeSpan.FromDays(30);

    private readonly Lock _lock = new();
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly SlidingCounts<ClientNetwork> _byNetwork = new(MaximumKeys);
    private readonly SlidingCounts<(ulong Login, ClientNetwork Network)> _byPair = new(MaximumKeys);
    private readonly SlidingCounts<ulong> _byLogin = new(MaximumKeys);
    private readonly SlidingCounts<byte> _all = new(1);
    private readonly Dictionary<(ulong Login, ClientNetwork Network), DateTimeOffset> _known = [];
    private int _delayed;

    /// <summary>True where this network has failed so often that it is not asked again for a while.</summary>
    public bool IsBlocked(ClientNetwork? client, LimitsConfig limits)
    {
        if (client is not { } network)
            return false;
        lock (_lock)
            return _byNetwork.Get(network, clock.GetUtcNow(), limits.AuthWindow) >= limits.AuthFailuresPerClient;
    }

    public AuthAdmission Admit(ClientNetwork? client, string login, LimitsConfig limits)
    {
        ClientNetwork network = client ?? default;
        ulong digest = Digest(login);
        DateTimeOffset now = clock.GetUtcNow();
        lock (_lock)
        {
            bool known = _known.TryGetValue((digest, network), out DateTimeOffset seen) && now - seen < s_knownFor;
            if (_byPair.Get((digest, network), now, limits.AuthWindow) >= limits.AuthFailuresPerLogin)
                return new AuthAdmission(true, default, known);
            if (known)
                return new AuthAdmission(false, default, true);
            int steps = (int)(_byLogin.Get(digest, now, limits.AuthWindow) / limits.AuthFailuresPerLogin);
            TimeSpan delay = steps == 0 ? default : TimeSpan.FromSeconds(Math.Min(LongestDelaySeconds, 1 << Math.Min(steps - 1, 10)));
            if (delay < s_stormDelay && _all.Get(0, now, limits.AuthWindow) >= limits.AuthFailuresTotal)
                delay = s_stormDelay;
            return new AuthAdmission(delay > default(TimeSpan) && _delayed >= MaximumDelayed, delay, false);
        }
    }

    /// <summary>Waits out a delay, counted among those that wait.</summary>
    public async ValueTask WaitAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        if (delay <= TimeSpan.Zero)
            return;
        Interlocked.Increment(ref _delayed);
        try
        {
            await Task.Delay(delay, clock, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _delayed);
        }
    }

    /// <summary>Counts a failure; the login is null where none was told.</summary>
    public void Failed(ClientNetwork? client, string? login, LimitsConfig limits)
    {
        ClientNetwork network = client ?? default;
        DateTimeOffset now = clock.GetUtcNow();
        lock (_lock)
        {
            _all.Add(0, now, limits.AuthWindow);
            if (client is not null)
                _byNetwork.Add(network, now, limits.AuthWindow);
            if (login is null)
                return;
            ulong digest = Digest(login);
            _byPair.Add((digest, network), now, limits.AuthWindow);
            _byLogin.Add(digest, now, limits.AuthWindow);
        }
    }

    public void Succeeded(ClientNetwork? client, string login)
    {
        (ulong, ClientNetwork) pair = (Digest(login), client ?? default);
        lock (_lock)
        {
            _byPair.Remove(pair);
            if (_known.Count >= MaximumKnown && !_known.ContainsKey(pair))
            {
                foreach ((ulong, ClientNetwork) old in _known.OrderBy(k => k.Value).Take(MaximumKnown / 2).Select(k => k.Key).ToArray())
                    _known.Remove(old);
            }
            _known[pair] = clock.GetUtcNow();
        }
    }

    /// <summary>Logins differ in more than ASCII case.</summary>
    private ulong Digest(string login) => BinaryPrimitives.ReadUInt64LittleEndian(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(Tables.KeyText.Fold(login))));
}
