using System.Buffers;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Smtpd.Cleanup;

/// <summary>Where cleaned octets go.</summary>
internal delegate ValueTask ContentSink(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken);

/// <summary>What cleanup asks of other rooms.</summary>
internal sealed record CleanupTools(TableSet Tables, AddressTreatment Treatment, EventSink Events);

/// <summary>
/// cleanup(8): the way of a message's content between session and queue. Takes octets as they come, trace fields first, and gives them on with headers checked, rewritten, completed and cut to their
/// limits. Holds one field or line at a time, never a body; a body that nobody looks at passes in the pieces it came in. The result is the same for every split of the octets. What the message is refused
/// for, or where it is to go, stands in <see cref="Findings"/> at the end.
/// </summary>
internal sealed class MessageCleanup
{
    private const int FlushAt = 16 << 10;

    private static readonly ReadOnlyMemory<byte> s_mailboxLine = "X-Mailbox-Line: "u8.ToArray();

    private readonly CleanupConfig _config;
    private readonly CleanupSubject _subject;
    private readonly CleanupTools _tools;
    private readonly ContentSink _sink;
    private readonly ContentChecks _checks;
    private readonly ContentScanner _scanner;
    private readonly RecordCutter _cutter;
    private readonly SearchValues<byte>? _rejected;
    private readonly ArrayBufferWriter<byte> _output = new(1024);
    private FieldsSeen _seen;
    private int _hops;

    /// <summary>The client's first line comes next.</summary>
    private bool _atStart;

    /// <summary>Nobody looks at what comes: it goes through.</summary>
    private bool _passes;

    public MessageCleanup(CleanupConfig config, CleanupSubject subject, CleanupTools tools, ContentSink sink)
    {
        _config = config;
        _subject = subject;
        _tools = tools;
        _sink = sink;
        _checks = new ContentChecks(config, subject, Findings, tools.Tables, tools.Events);
        _cutter = new RecordCutter(config.LineLength);
        bool checks = !(config.HeaderChecks.IsEmpty && config.MimeHeaderChecks.IsEmpty && config.NestedHeaderChecks.IsEmpty);
        ContentProblems reported = config.Refused | (checks || config.Refused != ContentProblems.None ? ContentProblems.Nesting : ContentProblems.None);
        _scanner = new ContentScanner(
            new ContentLimits(config.FieldSize, config.MimeNesting, config.BoundaryLength), config.FollowsMime, reported, (problem, text) => _checks.NoteStructure(Words(problem), text));
        _rejected = config.RejectedOctets.IsEmpty ? null : SearchValues.Create(config.RejectedOctets.AsSpan());
    }

    public CleanupFindings Findings { get; } = new();

    /// <summary>The value of Message-Id, the added one included; empty where there is none.</summary>
    public string HeaderMessageId { get; private set; } = "";

    /// <summary>Takes the trace fields that stand in front of everything.</summary>
    public async ValueTask BeginAsync(ReadOnlyMemory<byte> trace, CancellationToken cancellationToken)
    {
        while (_cutter.TryNext(ref trace, out ReadOnlyMemory<byte> text, out bool endsLine))
            await TakeRecordAsync(text, endsLine, cancellationToken);
        _atStart = true;
    }

    public async ValueTask TakeAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        while (!_passes && _cutter.TryNext(ref octets, out ReadOnlyMemory<byte> text, out bool endsLine))
            await TakeLineAsync(text, endsLine, cancellationToken);
        if (_passes)
        {
            _output.Write(_cutter.TakeHeld().Span);
            await FlushAsync(cancellationToken);
            if (!octets.IsEmpty && !IsDropped)
                await _sink(octets, cancellationToken);
        }
        else if (_output.WrittenCount >= FlushAt)
            await FlushAsync(cancellationToken);
    }

    /// <summary>The message has no more octets.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        if (!_passes)
        {
            ReadOnlyMemory<byte> rest = _cutter.TakeHeld();
            if (!rest.IsEmpty)
                await TakeLineAsync(rest, true, cancellationToken);
            if (!_passes)
                await HandleAsync(_scanner.Finish(), default, true, cancellationToken);
        }
        await FlushAsync(cancellationToken);
        if (_scanner.Problems != ContentProblems.None && Findings.Trouble == CleanupTrouble.None)
            Findings.Fail(CleanupTrouble.Content, "5.6.0 " + Words(_scanner.Problems));
    }

    /// <summary>Nothing of the message will be kept.</summary>
    private bool IsDropped => Findings.Discard || Findings.Trouble is CleanupTrouble.Deferred or CleanupTrouble.Unavailable || (Findings.Trouble != CleanupTrouble.None && !_subject.Bounces);

    /// <summary>What only the first lines of a client's message need: a mailbox's "From " line becomes a field, and a blank does not continue our own Received.</summary>
    private async ValueTask TakeLineAsync(ReadOnlyMemory<byte> text, bool endsLine, CancellationToken cancellationToken)
    {
        if (_atStart)
        {
            if (text.Span.TrimStart((byte)'>').StartsWith("From "u8))
            {
                byte[] line = [.. s_mailboxLine.Span, .. text.Span];
                await TakeRecordAsync(line, endsLine, cancellationToken);
                return;
            }
            _atStart = false;
            if (text.Span is [(byte)' ' or (byte)'\t', ..])
                await TakeRecordAsync(default, true, cancellationToken);
        }
        if (_rejected is not null && _checks.IsActive && text.Span.ContainsAny(_rejected))
        {
            _checks.RefuseOctets(text.Span);
            return;
        }
        if (!_config.StrippedOctets.IsEmpty && _checks.IsActive)
            text = text.ToArray().Where(o => !_config.StrippedOctets.Contains(o)).ToArray();
        await TakeRecordAsync(text, endsLine, cancellationToken);
    }

    private ValueTask TakeRecordAsync(ReadOnlyMemory<byte> text, bool endsLine, CancellationToken cancellationToken)
    {
        // Behind the header nothing is left to do where nobody looks.
        if (_passes)
        {
            WriteBody(text.Span, endsLine);
            return ValueTask.CompletedTask;
        }
        ContentEvents events = _scanner.Take(text.Span, endsLine);
        return events == ContentEvents.None ? ValueTask.CompletedTask : HandleAsync(events, text, endsLine, cancellationToken);
    }

    private async ValueTask HandleAsync(ContentEvents events, ReadOnlyMemory<byte> text, bool endsLine, CancellationToken cancellationToken)
    {
        if (events.HasFlag(ContentEvents.Field))
            await TakeFieldAsync(_scanner.Field, cancellationToken);
        if (events.HasFlag(ContentEvents.HeaderEnd))
            EndHeader();
        if (events.HasFlag(ContentEvents.EmptyLine))
            await TakeBodyAsync(default, true, cancellationToken);
        if (events.HasFlag(ContentEvents.Body))
            await TakeBodyAsync(text, endsLine, cancellationToken);
        _passes = _scanner.Place == ContentPlace.Body && !_config.LooksAtBody;
        if (_output.WrittenCount >= FlushAt)
            await FlushAsync(cancellationToken);
    }

    private async ValueTask TakeFieldAsync(ReadOnlyMemory<byte> field, CancellationToken cancellationToken)
    {
        ContentPlace place = _scanner.FieldPlace;
        FieldTraits traits = TraitsOf(field.Span);
        if (traits.HasFlag(FieldTraits.Mime))
            place = ContentPlace.Multipart;
        if (NameIs(field.Span, "received"u8))
            _hops++;
        if (_checks.IsActive && !_checks.MapsAt(place).Maps.IsEmpty)
        {
            CheckResult result = await _checks.CheckAsync(place, field, cancellationToken);
            if (result.Before is { } before)
                FieldLayout.Write(_output, before, _config.FieldSize);
            if (!result.Keeps)
                return;
            if (result.Replacement is { } replacement)
            {
                field = replacement;
                traits = TraitsOf(replacement);
            }
        }
        if (place == ContentPlace.Primary && traits != FieldTraits.None)
            await TakeKnownAsync(field, traits, cancellationToken);
        else if (place != ContentPlace.Primary || !IsDroppedField(field.Span))
            FieldLayout.Write(_output, field.Span, _config.FieldSize);
    }

    private async ValueTask TakeKnownAsync(ReadOnlyMemory<byte> field, FieldTraits traits, CancellationToken cancellationToken)
    {
        ReadOnlySpan<byte> name = NameOf(field.Span);
        _seen.Note(name, traits.HasFlag(FieldTraits.Resent));
        if (NameIs(field.Span, "message-id"u8))
            HeaderMessageId = FieldText.Unfold(field.Span[(name.Length + 1)..]);
        else if (NameIs(field.Span, "received"u8) && _hops >= _config.Hops)
            Findings.Fail(CleanupTrouble.Hops, "5.4.0 too many hops");
        if (IsDroppedField(field.Span))
            return;
        if (_subject.Context != HeaderContext.None && (traits & (FieldTraits.Sender | FieldTraits.Recipient)) != 0)
        {
            var question = new AddressQuestion("", traits.HasFlag(FieldTraits.Sender) ? AddressUse.HeaderSender : AddressUse.HeaderRecipient, _subject.Context, _config.MapsAddresses);
            (byte[]? rewritten, bool unavailable) = await AddressFieldRewriting.RewriteAsync(field, _config.AddressTokens, question, _tools.Treatment, cancellationToken);
            if (unavailable)
                Findings.Fail(CleanupTrouble.Unavailable);
            field = rewritten ?? field;
        }
        FieldLayout.Write(_output, field.Span, _config.FieldSize);
    }

    private void EndHeader()
    {
        string added = MissingFields.Write(_output, _seen, _subject, _config);
        if (added.Length > 0)
            HeaderMessageId = added;
    }

    private async ValueTask TakeBodyAsync(ReadOnlyMemory<byte> text, bool endsLine, CancellationToken cancellationToken)
    {
        if (_checks.IsActive && !_config.BodyChecks.IsEmpty && (_config.BodyChecksSize == 0 || _scanner.BodyOffset < _config.BodyChecksSize))
        {
            CheckResult result = await _checks.CheckAsync(ContentPlace.Body, text, cancellationToken);
            if (result.Before is { } before)
                WriteBody(before, true);
            if (!result.Keeps)
                return;
            text = result.Replacement ?? text;
        }
        WriteBody(text.Span, endsLine);
    }

    private void WriteBody(ReadOnlySpan<byte> text, bool endsLine)
    {
        _output.Write(text);
        if (endsLine)
            _output.Write("\r\n"u8);
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_output.WrittenCount > 0 && !IsDropped)
            await _sink(_output.WrittenMemory, cancellationToken);
        _output.ResetWrittenCount();
    }

    private bool IsDroppedField(ReadOnlySpan<byte> field)
    {
        foreach (string dropped in _config.DroppedFields)
        {
            if (Ascii.EqualsIgnoreCase(NameOf(field), dropped))
                return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> field)
    {
        int colon = field.IndexOf((byte)':');
        return colon < 0 ? field : field[..colon].TrimEnd(" \t"u8);
    }

    private static FieldTraits TraitsOf(ReadOnlySpan<byte> field) => FieldTable.Of(NameOf(field));

    private static bool NameIs(ReadOnlySpan<byte> field, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(NameOf(field), name);

    private static string Words(ContentProblems problems) =>
        problems.HasFlag(ContentProblems.Nesting) ? "MIME nesting exceeds safety limit"
        : problems.HasFlag(ContentProblems.EightBitHeader) ? "improper use of 8-bit data in message header"
        : problems.HasFlag(ContentProblems.EightBitBody) ? "improper use of 8-bit data in message body"
        : "invalid message/* or multipart/* encoding domain";
}
