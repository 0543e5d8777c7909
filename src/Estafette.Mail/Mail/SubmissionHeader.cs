using System.Buffers;

namespace Estafette.Mail;

/// <summary>
/// Completes the header of a submitted message (RFC 6409 s8): missing From, Date and Message-ID are added, Bcc removed, addresses qualified, as the options
/// ask. Fields that are there keep their octets and their order. Pure: a header block in (see <see cref="HeaderScanner.HeaderLength"/>), the whole new
/// header out, with the empty line that ends it; so a message whose first line is no field gets its header (V3).
/// </summary>
public static class SubmissionHeader
{
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> fields, SubmissionHeaderOptions options)
    {
        ReadOnlySpan<byte> newLine = LineEndOf(fields);
        (bool from, bool date, bool messageId) = Present(fields);
        HeaderCompletions completions = options.Completions;
        if (!from && completions.HasFlag(HeaderCompletions.From))
            WriteField(output, "From: ", FromValue(options), newLine);
        if (!date && completions.HasFlag(HeaderCompletions.DateOnTop))
            WriteField(output, "Date: ", HeaderDate.Format(options.Now), newLine);
        foreach (HeaderField field in new HeaderFields(fields))
            WriteField(output, field, options, newLine);
        if (!date && completions.HasFlag(HeaderCompletions.Date) && !completions.HasFlag(HeaderCompletions.DateOnTop))
            WriteField(output, "Date: ", HeaderDate.Format(options.Now), newLine);
        if (!messageId && completions.HasFlag(HeaderCompletions.MessageId))
        {
            string name = options.Spelling is MessageIdSpelling.MessageID ? "Message-ID: " : "Message-Id: ";
            WriteField(output, name, options.MessageId ?? MessageIdField.Generate(options.HostName), newLine);
        }
        output.Write(newLine);
    }

    private static (bool From, bool Date, bool MessageId) Present(ReadOnlySpan<byte> fields)
    {
        (bool from, bool date, bool messageId) = (false, false, false);
        foreach (HeaderField field in new HeaderFields(fields))
        {
            KnownField known = field.Known;
            from |= known is KnownField.From;
            date |= known is KnownField.Date;
            messageId |= known is KnownField.MessageId;
        }
        return (from, date, messageId);
    }

    private static void WriteField(IBufferWriter<byte> output, in HeaderField field, SubmissionHeaderOptions options, ReadOnlySpan<byte> newLine)
    {
        HeaderCompletions completions = options.Completions;
        KnownField known = field.Known;
        bool dropped = known switch
        {
            // A mailbox's "From " line is no field.
            KnownField.Other => field.Name.IsEmpty,
            KnownField.Bcc or KnownField.ResentBcc => completions.HasFlag(HeaderCompletions.RemoveBcc),
            KnownField.ReturnPath => completions.HasFlag(HeaderCompletions.RemoveReturnPath),
            _ => false,
        };
        if (dropped)
            return;
        if (known is KnownField.From && options.Masquerade)
            Rewrite(output, field, AddressList.Replace(field.Value, _ => options.Sender));
        else if (IsQualified(known, completions))
            Rewrite(output, field, AddressList.Qualify(field.Value, options.HostName));
        else
            output.Write(field.Whole);
        if (field.LineEnd.IsEmpty)
            output.Write(newLine);
    }

    private static void Rewrite(IBufferWriter<byte> output, in HeaderField field, byte[] value)
    {
        output.Write(field.Head);
        output.Write(value);
        output.Write(field.LineEnd);
    }

    private static bool IsQualified(KnownField field, HeaderCompletions completions) => field switch
    {
        KnownField.From or KnownField.To or KnownField.Cc => completions.HasFlag(HeaderCompletions.QualifyAddresses),
        KnownField.Sender or KnownField.ReplyTo or KnownField.ResentFrom or KnownField.ResentSender or KnownField.ResentTo or KnownField.ResentCc =>
            completions.HasFlag(HeaderCompletions.QualifyOtherAddresses),
        _ => false,
    };

    private static string FromValue(SubmissionHeaderOptions options)
    {
        string name = EncodedWord.Phrase(options.FullName ?? "");
        return $"{name}{(name.Length > 0 ? " " : "")}<{options.Sender}>";
    }

    private static void WriteField(IBufferWriter<byte> output, string name, string value, ReadOnlySpan<byte> newLine)
    {
        FieldText.WriteRaw(output, name);
        FieldText.Write(output, value);
        output.Write(newLine);
    }

    // Local programs write LF alone; the added lines must not be the only ones with CR.
    private static ReadOnlySpan<byte> LineEndOf(ReadOnlySpan<byte> fields)
    {
        int newLine = fields.IndexOf((byte)'\n');
        return newLine >= 0 && (newLine == 0 || fields[newLine - 1] != '\r') ? "\n"u8 : "\r\n"u8;
    }
}
