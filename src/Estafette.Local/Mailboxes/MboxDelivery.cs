using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>One message into an mbox: From_ line, text with quoted "From ", an empty line.</summary>
internal sealed class MboxDelivery : Delivery
{
    private readonly MboxFile _file;
    private readonly MailboxManner _manner;
    private readonly long _start;
    private long _size;
    private LocalReply? _failure;

    public MboxDelivery(MboxFile file, MailboxManner manner, string sender, DateTimeOffset now)
    {
        _file = file;
        _manner = manner;
        _start = _size = file.Size;
        Write(FromLine(sender, now, manner.Style, file.NeedsLineEnd));
    }

    public override bool QuoteFrom => true;

    /// <summary><c>From sender Thu Jan  1 00:00:00 1970</c>, the date as asctime(3) writes it, in local time. Postfix leaves two blanks before it.</summary>
    public static byte[] FromLine(string sender, DateTimeOffset now, MailboxStyle style, bool afterPartialLine)
    {
        DateTimeOffset local = now.ToLocalTime();
        string date = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{local:ddd MMM} {local.Day,2} {local:HH:mm:ss yyyy}");
        return System.Text.Encoding.UTF8.GetBytes($"{(afterPartialLine ? "\n" : "")}From {FormatExpansion.MboxFrom(sender)} {(style is MailboxStyle.Postfix ? " " : "")}{date}\n");
    }

    public override void Write(ReadOnlySpan<byte> text)
    {
        _size += text.Length;
        if (_failure is null && _manner.Limit > 0 && _size > _manner.Limit)
            _failure = FileTrouble.Reply(_manner, "write", "to the mailbox", FileTrouble.EFBIG);
        if (_failure is null && !_file.Append(text))
            _failure = FileTrouble.Reply(_manner, "write", "to the mailbox", Native.Errno);
    }

    public override LocalReply? End(bool atLineStart)
    {
        Write(atLineStart ? "\n"u8 : "\n\n"u8);
        if (_failure is null)
            _file.Keep();
        else
            Abort();
        return null;
    }

    public override void Abort() => _file.Rewind(_start);

    public override LocalReply Settle(bool durable) => _failure ?? (durable ? LocalReply.Delivered : LocalReply.Defer(3, 0, "cannot make the mailbox durable"));
}
