using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>One message into an mbox: From_ line, text with quoted "From ", an empty line.</summary>
internal sealed class MboxDelivery : Delivery
{
    private readonly MboxFile _file;
    private readonly long _start;
    private LocalReply? _failure;

    public MboxDelivery(MboxFile file, string sender, DateTimeOffset now)
    {
        _file = file;
        _start = file.Size;
        Write(FromLine(sender, now, file.NeedsLineEnd));
    }

    public override bool QuoteFrom => true;

    /// <summary><c>From sender Thu Jan  1 00:00:00 1970</c>, the date as asctime(3) writes it, in local time.</summary>
    public static byte[] FromLine(string sender, DateTimeOffset now, bool afterPartialLine)
    {
        DateTimeOffset local = now.ToLocalTime();
        string date = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{local:ddd MMM} {local.Day,2} {local:HH:mm:ss yyyy}");
        return System.Text.Encoding.UTF8.GetBytes($"{(afterPartialLine ? "\n" : "")}From {FormatExpansion.MboxFrom(sender)} {date}\n");
    }

    public override void Write(ReadOnlySpan<byte> text)
    {
        if (_failure is null && !_file.Append(text))
            _failure = FileTrouble.Reply("write", "to the mailbox", Native.Errno);
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
