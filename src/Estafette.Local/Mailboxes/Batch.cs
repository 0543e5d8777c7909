using System.Buffers;
using System.Text;
using Estafette.Mail;

namespace Estafette.Local.Mailboxes;

/// <summary>
/// The transactions that came one after the other without a pause, answered together: all messages are written, one flush makes them durable, all are made visible,
/// a second flush makes that durable, then the replies go out in order. For one message the flush is fsync, for more it is syncfs: measured, syncfs
/// carries three times as many small messages as parallel fsyncs do.
/// </summary>
internal sealed class Batch(LocalUser user, LocalActions actions)
{
    private readonly Dictionary<string, Maildir> _maildirs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MboxFile> _mboxes = new(StringComparer.Ordinal);
    private readonly List<(Delivery? Delivery, LocalReply? Reply)> _entries = [];

    public int Count => _entries.Count;

    public Delivery OpenMaildir(string path, MailboxManner manner, bool junkFolder, DateTimeOffset now)
    {
        if (!_maildirs.TryGetValue(path, out Maildir? box))
        {
            box = Maildir.Open(path, junkFolder, manner, out LocalReply? refusal);
            if (box is null)
                return new SwallowedDelivery(refusal!);
            _maildirs.Add(path, box);
        }
        return new MaildirDelivery(box, manner, actions.HostName, now, junkFolder);
    }

    public Delivery OpenMbox(string path, MailboxManner manner, string sender, DateTimeOffset now)
    {
        if (path == "/dev/null")
            return new SwallowedDelivery(LocalReply.Delivered);
        if (!_mboxes.TryGetValue(path, out MboxFile? file))
        {
            file = MboxFile.Open(path, user.Uid, manner, out LocalReply? refusal);
            if (file is null)
                return new SwallowedDelivery(refusal!);
            _mboxes.Add(path, file);
        }
        return new MboxDelivery(file, manner, sender, now);
    }

    /// <summary>Takes a finished delivery, or only a reply, in the order of the transactions.</summary>
    public void Add(Delivery? delivery, LocalReply? reply) => _entries.Add((delivery, reply));

    public void Commit(IBufferWriter<byte> replies)
    {
        if (_entries.Count == 0 && _maildirs.Count == 0 && _mboxes.Count == 0)
            return;
        List<MaildirDelivery> written = [.. _entries.Select(e => e.Delivery).OfType<MaildirDelivery>()];
        bool durable = FlushMessages(written);
        foreach (MaildirDelivery delivery in written)
            delivery.Publish(durable);
        bool named = FlushNames();
        bool mboxDurable = true;
        foreach (MboxFile file in _mboxes.Values)
            mboxDurable &= file.Flush();
        foreach ((Delivery? delivery, LocalReply? reply) in _entries)
        {
            LocalReply answer = reply ?? delivery!.Settle(delivery is MaildirDelivery ? named : mboxDurable);
            replies.Write(ReferenceEquals(answer, LocalReply.Delivered) ? "250 2.0.0 Delivered\r\n"u8 : Encoding.UTF8.GetBytes(answer.ToLine()));
        }
        foreach (Maildir box in _maildirs.Values)
            box.Dispose();
        foreach (MboxFile file in _mboxes.Values)
            file.Dispose();
        _maildirs.Clear();
        _mboxes.Clear();
        _entries.Clear();
    }

    private bool FlushMessages(List<MaildirDelivery> written)
    {
        if (written is [var single] && !single.Box.Grew)
            return single.Descriptor < 0 || Native.fsync(single.Descriptor) == 0;
        bool good = true;
        foreach (MaildirDelivery one in written.Where(d => d.Descriptor >= 0).DistinctBy(d => d.Box.Device))
            good &= Native.syncfs(one.Descriptor) == 0;
        return good;
    }

    private bool FlushNames()
    {
        List<int> folders = [];
        foreach (Maildir box in _maildirs.Values)
        {
            if (box.Touched)
                folders.Add(box.New);
            if (box.JunkTouched)
                folders.Add(box.JunkNew);
        }
        if (folders is [var single])
            return Native.fsync(single) == 0;
        bool good = true;
        foreach (Maildir box in _maildirs.Values.Where(b => b.Touched || b.JunkTouched).DistinctBy(b => b.Device))
            good &= Native.syncfs(box.New) == 0;
        return good;
    }
}
