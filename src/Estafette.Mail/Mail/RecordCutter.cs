namespace Estafette.Mail;

/// <summary>
/// Cuts octets into records: lines without their CRLF, or pieces of lines longer than the limit (<c>line_length_limit</c>). The same records for every split of the octets; holds one
/// record at most, and copies only what a split makes it copy.
/// </summary>
public sealed class RecordCutter
{
    private readonly int _limit;
    private byte[] _held = [];
    private int _length;

    /// <summary>Octets at the start of what is held that were given out and go with the next call.</summary>
    private int _given;

    public RecordCutter(int limit) => _limit = limit;

    /// <summary>Takes the next record off the octets; false where they end before it does.</summary>
    /// <param name="octets">What is left of them.</param>
    /// <param name="text">Valid until the next call.</param>
    /// <param name="endsLine">False for a piece.</param>
    public bool TryNext(ref ReadOnlyMemory<byte> octets, out ReadOnlyMemory<byte> text, out bool endsLine)
    {
        Settle();
        text = default;
        endsLine = false;
        // Two octets beyond the limit tell whether a full record is a whole line.
        int room = Math.Min(octets.Length, _limit + 2 - _length);
        ReadOnlyMemory<byte> window = octets[..room];
        int end = window.Span.IndexOf((byte)'\n');
        endsLine = end >= 0;
        bool isPiece = !endsLine && _length + room == _limit + 2;
        if (_length == 0 && (endsLine || isPiece))
        {
            int taken = endsLine ? end + 1 : _limit;
            text = endsLine ? WithoutEnd(octets[..taken]) : octets[..taken];
            octets = octets[taken..];
            return true;
        }
        Hold(endsLine ? window[..(end + 1)] : window);
        octets = octets[(endsLine ? end + 1 : room)..];
        if (!endsLine && !isPiece)
            return false;
        _given = endsLine ? _length : _limit;
        text = endsLine ? WithoutEnd(_held.AsMemory(0, _length)) : _held.AsMemory(0, _limit);
        return true;
    }

    /// <summary>What is held and was not given out: the start of a line. Nothing is held any more.</summary>
    public ReadOnlyMemory<byte> TakeHeld()
    {
        Settle();
        _given = _length;
        return _held.AsMemory(0, _length);
    }

    private void Settle()
    {
        _held.AsSpan(_given, _length - _given).CopyTo(_held);
        _length -= _given;
        _given = 0;
    }

    private void Hold(ReadOnlyMemory<byte> octets)
    {
        if (_held.Length < _length + octets.Length)
            Array.Resize(ref _held, Math.Min(_limit + 2, Math.Max(256, 2 * (_length + octets.Length))));
        octets.CopyTo(_held.AsMemory(_length));
        _length += octets.Length;
    }

    private static ReadOnlyMemory<byte> WithoutEnd(ReadOnlyMemory<byte> line) => line[..^(line.Span.EndsWith("\r\n"u8) ? 2 : 1)];
}
