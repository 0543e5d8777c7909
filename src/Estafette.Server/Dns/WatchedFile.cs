namespace Estafette.Dns;

/// <summary>
/// The parsed content of a small system file, read again when its time or size changes; looked at no more often than the interval. A file that cannot be
/// read, or is larger than <see cref="MaximumSize"/>, keeps what was known before: an editor at work must not stop mail.
/// </summary>
internal sealed class WatchedFile<T>(string path, Func<string, T> parse, T fallback, TimeSpan interval, TimeProvider clock)
    where T : class
{
    private const int MaximumSize = 1 << 20;

    private readonly Lock _lock = new();
    private T _value = fallback;
    private (DateTime Written, long Length) _stamp;
    private long _checked;
    private bool _everChecked;

    public T Value
    {
        get
        {
            lock (_lock)
            {
                if (!_everChecked || clock.GetElapsedTime(_checked) >= interval)
                {
                    _everChecked = true;
                    _checked = clock.GetTimestamp();
                    Check();
                }
                return _value;
            }
        }
    }

    private void Check()
    {
        try
        {
            var file = new FileInfo(path);
            (DateTime, long) stamp = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
            if (stamp == _stamp || !file.Exists || file.Length > MaximumSize)
                return;
            _value = parse(File.ReadAllText(path));
            _stamp = stamp;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was known stays in force.
        }
    }
}
