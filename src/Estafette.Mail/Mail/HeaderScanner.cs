using System.Text;

namespace Estafette.Mail;

/// <summary>How far a scan has come, and how the header ended.</summary>
public enum HeaderScanState : byte
{
    Reading,

    /// <summary>An empty line ended the header: the usual case.</summary>
    EndedByBlankLine,

    /// <summary>A line that is no header field: the body begins with it, without an empty line between (E22, V3).</summary>
    EndedByOtherLine,

    /// <summary>The message ended within the header.</summary>
    EndedByMessage,
    TooLarge,
    TooManyFields,
}

/// <summary>Limits of a header (E21).</summary>
public readonly record struct HeaderLimits(int Size, int Fields);

/// <summary>Receives a captured field: the value is raw (folded as it came, without the last line end), cut at <see cref="HeaderScanner.MaximumCapture"/>.</summary>
public delegate void HeaderFieldHandler(KnownField field, ReadOnlySpan<byte> value);

/// <summary>
/// Reads a header in pieces of any size and tells where it ends, what it counts, and the values of the fields that were asked for. Linear time,
/// bounded memory, the same answer for every split of the octets. It takes what real mail has: LF alone as line end, blanks before the colon, a
/// mailbox's "From " line on top, no empty line before the body, a first line that is no field or starts with a blank (E21, E22; RFC 5322 s2.2, s4.5).
/// </summary>
public sealed class HeaderScanner(HeaderLimits limits, HeaderFieldHandler? handler = null, params IReadOnlyCollection<KnownField> captured)
{
    public const int MaximumCapture = 4096;

    private readonly byte[] _name = new byte[FieldNames.MaximumLength];
    private readonly int[] _counts = new int[FieldNames.KnownCount];
    private readonly byte[] _value = handler is null ? [] : new byte[MaximumCapture];
    private Line _line;
    private int _nameLength;
    private int _valueLength;
    private KnownField _field;
    private bool _capturing;
    private long _position;
    private long _lineStart;

    private enum Line : byte { Start, StartAfterCr, Name, AfterName, Value }

    public HeaderScanState State { get; private set; }
    public bool IsEnded => State is not HeaderScanState.Reading;

    /// <summary>Octets of the fields, without the empty line that ends them; final when the scan has ended.</summary>
    public long HeaderLength { get; private set; }

    /// <summary>Where the body begins, in octets from the start.</summary>
    public long BodyStart { get; private set; }
    public int Fields { get; private set; }
    public int Hops => _counts[(int)KnownField.Received];

    /// <summary>An octet beyond ASCII stands in a field's value (E23).</summary>
    public bool HasEightBit { get; private set; }
    public bool HasNul { get; private set; }

    public int Count(KnownField field) => _counts[(int)field];

    /// <summary>Takes the next octets of the message; those after the end of the header are ignored.</summary>
    public HeaderScanState Push(ReadOnlySpan<byte> octets)
    {
        long start = _position;
        int i = 0;
        while (i < octets.Length && !IsEnded)
        {
            if (_line is not Line.Value)
            {
                _position = start + i;
                Step(octets[i++]);
                continue;
            }
            ReadOnlySpan<byte> rest = octets[i..];
            int newLine = rest.IndexOf((byte)'\n');
            int taken = newLine < 0 ? rest.Length : newLine + 1;
            TakeValue(rest[..taken]);
            i += taken;
            _position = start + i;
            if (newLine >= 0)
            {
                _line = Line.Start;
                _lineStart = _position;
            }
            CheckSize();
        }
        if (!IsEnded)
        {
            _position = start + octets.Length;
            CheckSize();
        }
        return State;
    }

    /// <summary>The message has no more octets.</summary>
    public HeaderScanState Complete()
    {
        if (IsEnded)
            return State;
        if (_line is Line.Name or Line.AfterName or Line.StartAfterCr)
            End(HeaderScanState.EndedByOtherLine, _lineStart, _lineStart);
        else
            End(HeaderScanState.EndedByMessage, _position, _position);
        return State;
    }

    /// <summary>One octet at the start of a line or in a name; <c>_position</c> is its offset.</summary>
    private void Step(byte octet)
    {
        switch (_line)
        {
            case Line.Start when octet is (byte)'\n':
                End(HeaderScanState.EndedByBlankLine, _lineStart, _position + 1);
                break;
            case Line.Start when octet is (byte)'\r':
                _line = Line.StartAfterCr;
                break;
            case Line.Start when octet is (byte)' ' or (byte)'\t' && Fields > 0:
                _line = Line.Value;
                TakeValue([octet]);
                break;
            case Line.Start when FieldNames.IsNameOctet(octet):
                EmitField();
                _line = Line.Name;
                _name[0] = octet;
                _nameLength = 1;
                break;
            case Line.StartAfterCr when octet is (byte)'\n':
                End(HeaderScanState.EndedByBlankLine, _lineStart, _position + 1);
                break;
            case Line.Name or Line.AfterName when octet is (byte)':':
                BeginField();
                break;
            case Line.Name when FieldNames.IsNameOctet(octet) && _nameLength < FieldNames.MaximumLength:
                _name[_nameLength++] = octet;
                break;
            case Line.Name or Line.AfterName when octet is (byte)' ' or (byte)'\t':
                _line = Line.AfterName;
                break;
            case Line.AfterName when _lineStart == 0 && octet is not ((byte)'\r' or (byte)'\n')
                    && FieldNames.IsMailboxSeparator(_name.AsSpan(0, _nameLength)):
                _capturing = false;
                _line = Line.Value;
                break;
            default:
                End(HeaderScanState.EndedByOtherLine, _lineStart, _lineStart);
                break;
        }
    }

    private void BeginField()
    {
        if (_position >= limits.Size)
        {
            State = HeaderScanState.TooLarge;
            return;
        }
        if (++Fields > limits.Fields)
        {
            State = HeaderScanState.TooManyFields;
            return;
        }
        _field = FieldNames.Identify(_name.AsSpan(0, _nameLength));
        _counts[(int)_field]++;
        _capturing = handler is not null && captured.Contains(_field);
        _valueLength = 0;
        _line = Line.Value;
    }

    private void TakeValue(ReadOnlySpan<byte> octets)
    {
        if (!HasEightBit)
            HasEightBit = !Ascii.IsValid(octets);
        if (!HasNul)
            HasNul = octets.Contains((byte)0);
        if (!_capturing)
            return;
        ReadOnlySpan<byte> kept = octets[..Math.Min(octets.Length, MaximumCapture - _valueLength)];
        kept.CopyTo(_value.AsSpan(_valueLength));
        _valueLength += kept.Length;
    }

    private void EmitField()
    {
        if (!_capturing)
            return;
        _capturing = false;
        ReadOnlySpan<byte> value = _value.AsSpan(0, _valueLength);
        if (value.EndsWith("\n"u8))
            value = value[..^1];
        if (value.EndsWith("\r"u8))
            value = value[..^1];
        handler!(_field, value);
    }

    private void End(HeaderScanState state, long headerLength, long bodyStart)
    {
        EmitField();
        HeaderLength = headerLength;
        BodyStart = bodyStart;
        State = headerLength > limits.Size ? HeaderScanState.TooLarge : state;
    }

    // A line that is not yet known to be a field does not count: it may be the body's.
    private void CheckSize()
    {
        if (!IsEnded && (_line is Line.Value ? _position : _lineStart) > limits.Size)
            State = HeaderScanState.TooLarge;
    }
}
