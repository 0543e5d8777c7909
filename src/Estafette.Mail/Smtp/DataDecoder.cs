using System.Buffers;

namespace Estafette.Smtp;

/// <summary>What is wrong with the octets of a message; the first of them decides the reply.</summary>
public enum DataProblem : byte
{
    None,

    /// <summary>LF without CR: forbidden, and the tool of SMTP smuggling (E1, E2).</summary>
    BareLineFeed,

    /// <summary>CR without LF (E3).</summary>
    BareCarriageReturn,

    /// <summary>NUL (E19).</summary>
    Nul,

    /// <summary>A text line beyond the limit (E20): never cut.</summary>
    LineTooLong,
}

/// <summary>How the end of the message is told, and whether line ends are mended.</summary>
public enum DataFraming : byte
{
    /// <summary>CRLF.CRLF, dots stuffed (RFC 5321 s4.5.2).</summary>
    Dot,

    /// <summary>As <see cref="Dot"/> from a local program: a lone LF becomes CRLF and a lone CR a blank. What they surround never ends the message.</summary>
    DotMending,

    /// <summary>Octets counted by BDAT (RFC 3030): no dots, no end of its own.</summary>
    Counted,

    /// <summary>Counted, from a local program.</summary>
    CountedMending,
}

/// <summary>
/// Turns what the client sends after 354 (or in BDAT chunks) into the message's octets. Only CRLF.CRLF ends it (E1): it starts as if after CRLF, so that an
/// empty message is legal. Pure and incremental: the result is the same however the octets are split. After a problem it goes on to look for
/// the end and writes nothing more, so that the caller may answer there or hang up at once.
/// </summary>
public sealed class DataDecoder(DataFraming framing, int textLineLimit)
{
    private static readonly SearchValues<byte> s_special = SearchValues.Create("\r\n\0"u8);
    private readonly bool _dots = framing is DataFraming.Dot or DataFraming.DotMending;
    private readonly bool _mending = framing is DataFraming.DotMending or DataFraming.CountedMending;
    private State _state = State.LineStart;
    private long _line;

    private enum State : byte { LineStart, Text, Cr, Dot, DotCr, Ended }

    public DataProblem Problem { get; private set; }

    /// <summary>True after CRLF.CRLF.</summary>
    public bool Ended => _state == State.Ended;

    /// <summary>The most octets that decoding <paramref name="source"/> octets can write.</summary>
    public static int MaximumOutput(int source) => (2 * source) + 4;

    /// <summary>Decodes until the source is used up or the message ends.</summary>
    /// <param name="destination">At least <see cref="MaximumOutput"/> of the source's length.</param>
    /// <returns>Octets used of the source and written to the destination.</returns>
    public (int Consumed, int Written) Decode(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int i = 0;
        int n = 0;
        while (i < source.Length && _state != State.Ended)
        {
            if (_state == State.Text || (_state == State.LineStart && (!_dots || source[i] != '.')))
                i += TakeRun(source[i..], destination, ref n);
            else
                i += TakeSpecial(source[i], destination, ref n);
        }
        return (i, Problem == DataProblem.None ? n : 0);
    }

    /// <summary>Ends counted octets: a CR that still waits is a lone one; a last line without its end gets it, because every transport needs one.</summary>
    public int Finish(Span<byte> destination)
    {
        int n = 0;
        if (_state == State.Cr)
            LoneCr(destination, ref n);
        if (_state == State.Text)
            Put("\r\n"u8, destination, ref n);
        _state = State.Ended;
        return Problem == DataProblem.None ? n : 0;
    }

    /// <summary>A run of ordinary octets, and the special one that ends it.</summary>
    private int TakeRun(ReadOnlySpan<byte> source, Span<byte> destination, ref int n)
    {
        int run = source.IndexOfAny(s_special);
        int length = run < 0 ? source.Length : run;
        if (length > 0)
        {
            _state = State.Text;
            _line += length;
            if (_line > textLineLimit)
                Fail(DataProblem.LineTooLong);
            Put(source[..length], destination, ref n);
        }
        if (run < 0)
            return length;
        switch (source[run])
        {
            case (byte)'\r':
                _state = State.Cr;
                break;
            case (byte)'\n':
                LoneLf(destination, ref n);
                break;
            default:
                Fail(DataProblem.Nul);
                _state = State.Text;
                break;
        }
        return run + 1;
    }

    /// <summary>One octet in the states around line ends; returns 0 where the octet is to be looked at again.</summary>
    private int TakeSpecial(byte octet, Span<byte> destination, ref int n)
    {
        switch (_state)
        {
            case State.LineStart:
                _state = State.Dot;
                return 1;
            case State.Cr when octet == '\n':
                Put("\r\n"u8, destination, ref n);
                _line = 0;
                _state = State.LineStart;
                return 1;
            case State.Cr:
                LoneCr(destination, ref n);
                return 0;
            case State.Dot when octet == '\r':
                _state = State.DotCr;
                return 1;
            case State.Dot:
                // RFC 5321 s4.5.2: the first dot goes, whatever follows.
                _state = State.Text;
                return 0;
            case State.DotCr when octet == '\n':
                _state = State.Ended;
                return 1;
            default:
                LoneCr(destination, ref n);
                return 0;
        }
    }

    private void LoneCr(Span<byte> destination, ref int n)
    {
        if (_mending)
            Put(" "u8, destination, ref n);
        else
            Fail(DataProblem.BareCarriageReturn);
        _state = State.Text;
    }

    private void LoneLf(Span<byte> destination, ref int n)
    {
        if (_mending)
            Put("\r\n"u8, destination, ref n);
        else
            Fail(DataProblem.BareLineFeed);
        _line = 0;
        // Not LineStart: a dot after a lone LF is text, never the end (E1).
        _state = State.Text;
    }

    private void Put(ReadOnlySpan<byte> octets, Span<byte> destination, ref int n)
    {
        if (Problem != DataProblem.None)
            return;
        octets.CopyTo(destination[n..]);
        n += octets.Length;
    }

    private void Fail(DataProblem problem)
    {
        if (Problem == DataProblem.None)
            Problem = problem;
    }
}
