using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>A login at a service with one secret, of which only a keyed hash is kept: a corrected password is another one.</summary>
internal readonly record struct LoginKey(string Service, string User, string SecretHash);

/// <summary>
/// Keeps a refused login from being repeated until the provider locks the account: after each refusal it rests for longer, without connecting, until the secret changes or an
/// operator wants it tried. A login that has not worked yet is tried by one connection at a time. Bounded; safe for several threads.
/// </summary>
internal sealed class LoginGate(TimeProvider clock)
{
    public static TimeSpan FirstPause { get; } = TimeSpan.FromMinutes(10);
    public static TimeSpan LongestPause { get; } = TimeSpan.FromHours(4);

    /// <summary>Logins remembered; the one unused for longest is forgotten first.</summary>
    internal const int Remembered = 4096;

    private readonly Lock _gate = new();
    private readonly SteadyClock _clock = new(clock);
    private readonly Dictionary<LoginKey, Entry> _entries = [];
    private readonly byte[] _hashKey = RandomNumberGenerator.GetBytes(32);

    private sealed class Entry
    {
        public SemaphoreSlim Turn { get; } = new(1);
        public bool Proven { get; set; }
        public DeliveryOutcome? Refusal { get; set; }
        public TimeSpan Pause { get; set; }
        public DateTimeOffset Until { get; set; }
        public DateTimeOffset Used { get; set; }
    }

    public LoginKey KeyOf(string service, SaslCredentials credentials) =>
        new(service, credentials.User, Convert.ToHexString(HMACSHA256.HashData(_hashKey, Encoding.UTF8.GetBytes(credentials.Password))));

    /// <summary>The refusal that still counts; null when the login may be tried.</summary>
    public DeliveryOutcome? Held(LoginKey key)
    {
        lock (_gate)
        {
            DateTimeOffset now = _clock.Now;
            if (!_entries.TryGetValue(key, out Entry? entry) || entry.Refusal is null || now >= entry.Until)
                return null;
            return entry.Refusal with
            {
                Text = string.Create(CultureInfo.InvariantCulture, $"{entry.Refusal.Text} (not tried again before {entry.Until:HH:mm:ss}Z, unless the credentials change or the queue is flushed)"),
            };
        }
    }

    /// <summary>Waits while another connection tries the same login for the first time; null when that took too long.</summary>
    public async ValueTask<IDisposable?> EnterAsync(LoginKey key, TimeSpan limit, CancellationToken cancellationToken)
    {
        Entry entry;
        lock (_gate)
        {
            entry = Find(key);
            if (entry.Proven)
                return Passage.Open;
        }
        return await entry.Turn.WaitAsync(limit, cancellationToken) ? new Passage(entry.Turn) : null;
    }

    public void Accepted(LoginKey key)
    {
        lock (_gate)
        {
            Entry entry = Find(key);
            (entry.Proven, entry.Refusal, entry.Pause) = (true, null, TimeSpan.Zero);
        }
    }

    public void Refused(LoginKey key, DeliveryOutcome refusal)
    {
        lock (_gate)
        {
            Entry entry = Find(key);
            entry.Proven = false;
            entry.Refusal = refusal;
            entry.Pause = entry.Pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(entry.Pause.Ticks * 2, LongestPause.Ticks));
            entry.Until = _clock.Now + entry.Pause;
        }
    }

    /// <summary>An operator wants attempts now.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            foreach (Entry entry in _entries.Values)
                entry.Until = default;
        }
    }

    private Entry Find(LoginKey key)
    {
        DateTimeOffset now = _clock.Now;
        if (!_entries.TryGetValue(key, out Entry? entry))
        {
            if (_entries.Count >= Remembered)
                _entries.Remove(_entries.MinBy(e => e.Value.Used).Key);
            _entries.Add(key, entry = new Entry());
        }
        entry.Used = now;
        return entry;
    }

    private sealed class Passage(SemaphoreSlim? turn) : IDisposable
    {
        public static Passage Open { get; } = new(null);

        public void Dispose() => turn?.Release();
    }
}
