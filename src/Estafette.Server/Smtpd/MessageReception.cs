using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Smtpd.Cleanup;
using Estafette.Spool;

namespace Estafette.Smtpd;

/// <summary>Why a message will not be taken; the first reason decides.</summary>
internal enum ReceptionProblem : byte { None, TooBig, HeaderTooBig, BrokenHeader, Loop, SpoolFull, SpoolUnhealthy, Stopping, TableUnavailable }

/// <summary>
/// The way of one message's octets from the decoder into the intake: trace fields first, then the header, counted and, for our own users, completed, then the
/// body as it came. Nothing but a header is held in memory, and that only within its limit. After a problem the octets are counted and dropped, so that
/// the client can be answered at the end. Disposing it without a commit leaves nothing behind.
/// </summary>
internal sealed class MessageReception : IAsyncDisposable
{
    /// <summary>Longest start of a line that may still turn out to be no header field.</summary>
    private const int MaximumHeld = 1024;

    private static readonly ReadOnlyMemory<byte> s_emptyLine = "\r\n"u8.ToArray();

    private readonly IntakeMessage _message;
    private readonly ReceptionLimits _limits;
    private readonly HeaderScanner _scanner;
    private readonly SubmissionHeaderOptions? _completion;
    private readonly ArrayBufferWriter<byte> _header = new(1024);
    private long _headerOffset;

    private string _messageId = "";

    /// <summary>A line that is no field stands where one should, and no colon in it has been seen yet.</summary>
    private bool _inOddLine;

    /// <param name="completion">Completes the header; null leaves it alone.</param>
    public MessageReception(IntakeMessage message, ReceptionLimits limits, SubmissionHeaderOptions? completion)
    {
        _message = message;
        _limits = limits;
        _completion = completion;
        _scanner = new HeaderScanner(new HeaderLimits(limits.HeaderSize, limits.HeaderFields), TakeField, KnownField.MessageId);
    }

    public MessageId Id => _message.Id;
    public ReceptionProblem Problem { get; private set; }

    /// <summary>Octets received, before anything was added.</summary>
    public long Received { get; private set; }

    /// <summary>The client goes on long after the message was too big: waiting for its end is a waste.</summary>
    public bool IsHopeless => Received > (2 * _limits.MessageSize) + (1 << 20);

    /// <summary>Message-ID with its brackets; empty when there is none.</summary>
    public string HeaderMessageId => Cleanup?.HeaderMessageId ?? _messageId;

    /// <summary>What treats the content where the configuration has a cleanup(8); null elsewhere.</summary>
    public MessageCleanup? Cleanup { get; private set; }

    public bool HasEightBit { get; private set; }

    /// <summary>Writes trace fields in front of everything.</summary>
    public ValueTask PrependAsync(ReadOnlyMemory<byte> fields, CancellationToken cancellationToken) => StoreAsync(fields, cancellationToken);

    /// <summary>Lets cleanup treat all that comes, the trace fields first.</summary>
    public ValueTask CleanAsync(CleanupConfig config, CleanupSubject subject, CleanupTools tools, ReadOnlyMemory<byte> trace, CancellationToken cancellationToken)
    {
        Cleanup = new MessageCleanup(config, subject, tools, StoreAsync);
        return Cleanup.BeginAsync(trace, cancellationToken);
    }

    /// <summary>A table that has a say in this cannot be asked: nothing is kept (E44).</summary>
    public void Refuse() => Fail(ReceptionProblem.TableUnavailable);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        Received += octets.Length;
        if (Received > _limits.MessageSize)
            Fail(ReceptionProblem.TooBig);
        if (Problem != ReceptionProblem.None)
            return;
        if (!HasEightBit)
            HasEightBit = !Ascii.IsValid(octets.Span);
        if (Cleanup is not null)
        {
            await Cleanup.TakeAsync(octets, cancellationToken);
            return;
        }
        if (_scanner.IsEnded)
        {
            LookAtOddLine(octets.Span);
            await StoreAsync(octets, cancellationToken);
            return;
        }
        _header.Write(octets.Span);
        _scanner.Push(octets.Span);
        if (!CheckHeader())
            return;
        if (_scanner.IsEnded)
            await EndHeaderAsync(cancellationToken);
        else if (_completion is null)
            await StoreCertainAsync(cancellationToken);
    }

    /// <summary>The message has no more octets.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        if (Cleanup is not null)
        {
            if (Problem == ReceptionProblem.None)
                await Cleanup.CompleteAsync(cancellationToken);
            return;
        }
        if (Problem == ReceptionProblem.None && !_scanner.IsEnded)
        {
            _scanner.Complete();
            if (CheckHeader())
                await EndHeaderAsync(cancellationToken);
        }
        if (_inOddLine)
            Fail(ReceptionProblem.BrokenHeader);
    }

    /// <param name="whenDurable">Told before any delivery starts.</param>
    public async ValueTask<bool> CommitAsync(Envelope envelope, Action<Envelope> whenDurable, CancellationToken cancellationToken)
    {
        _message.WhenDurable = whenDurable;
        Note(await _message.CommitAsync(envelope, cancellationToken));
        return Problem == ReceptionProblem.None;
    }

    public ValueTask DisposeAsync() => _message.DisposeAsync();

    /// <summary>False where the header broke a limit.</summary>
    private bool CheckHeader()
    {
        if (_scanner.State is HeaderScanState.TooLarge or HeaderScanState.TooManyFields)
            Fail(ReceptionProblem.HeaderTooBig);
        else if (_scanner.Hops > _limits.Hops)
            Fail(ReceptionProblem.Loop);
        return Problem == ReceptionProblem.None;
    }

    /// <summary>Passes on what is certainly header: all but the start of a line that may yet be the body's first.</summary>
    private async ValueTask StoreCertainAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> all = _header.WrittenMemory;
        int lineStart = all.Span.LastIndexOf((byte)'\n') + 1;
        int certain = all.Length - lineStart > MaximumHeld ? all.Length : lineStart;
        if (certain == 0)
            return;
        await StoreAsync(all[..certain], cancellationToken);
        _headerOffset += certain;
        byte[] held = all[certain..].ToArray();
        _header.ResetWrittenCount();
        _header.Write(held);
    }

    private async ValueTask EndHeaderAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> all = _header.WrittenMemory;
        ReadOnlyMemory<byte> fields = all[..(int)(_scanner.HeaderLength - _headerOffset)];
        ReadOnlyMemory<byte> body = all[(int)(_scanner.BodyStart - _headerOffset)..];
        _inOddLine = _limits.StrictHeader && _scanner.State == HeaderScanState.EndedByOtherLine;
        LookAtOddLine(body.Span);
        bool blankLine = _scanner.State == HeaderScanState.EndedByBlankLine;
        if (_completion is not null)
        {
            // Writes the empty line, too.
            var completed = new ArrayBufferWriter<byte>(fields.Length + 256);
            SubmissionHeader.Write(completed, fields.Span, _completion);
            // A message that ends with its header has no empty line in OpenSMTPD either; what local programs hand in gets one.
            bool headerOnly = _limits.StrictHeader && _scanner.State == HeaderScanState.EndedByMessage;
            await StoreAsync(headerOnly ? completed.WrittenMemory[..^2] : completed.WrittenMemory, cancellationToken);
        }
        else
        {
            await StoreAsync(fields, cancellationToken);
            // A body that follows without an empty line would become part of our header (E22, V3).
            if (blankLine || !body.IsEmpty)
                await StoreAsync(s_emptyLine, cancellationToken);
        }
        await StoreAsync(body, cancellationToken);
        _header.Clear();
    }

    /// <summary>A line with a colon passes as a field of an odd name; one without makes the header a broken one.</summary>
    private void LookAtOddLine(ReadOnlySpan<byte> octets)
    {
        int end = _inOddLine ? octets.IndexOfAny((byte)':', (byte)'\n') : -1;
        if (end < 0)
            return;
        _inOddLine = false;
        if (octets[end] == '\n')
            Fail(ReceptionProblem.BrokenHeader);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask StoreAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        if (!octets.IsEmpty && Problem == ReceptionProblem.None)
            Note(await _message.WriteAsync(octets, cancellationToken));
    }

    private void TakeField(KnownField field, ReadOnlySpan<byte> value)
    {
        if (_messageId.Length == 0)
            _messageId = FieldText.Unfold(value);
    }

    private void Note(SpoolStatus status)
    {
        if (status == SpoolStatus.Full)
            Fail(ReceptionProblem.SpoolFull);
        else if (status == SpoolStatus.Stopping)
            Fail(ReceptionProblem.Stopping);
        else if (status != SpoolStatus.Ok)
            Fail(ReceptionProblem.SpoolUnhealthy);
    }

    private void Fail(ReceptionProblem problem)
    {
        if (Problem == ReceptionProblem.None)
            Problem = problem;
    }
}

/// <summary>The limits of one message (E20, E21, E31).</summary>
internal readonly record struct ReceptionLimits(long MessageSize, int HeaderSize, int HeaderFields, int Hops)
{
    /// <summary>A line in the header that is no field is a reason to refuse the message.</summary>
    public bool StrictHeader { get; init; }
}
