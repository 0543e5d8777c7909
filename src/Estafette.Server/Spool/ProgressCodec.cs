using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>Updates and progress to octets and back. A property added to <see cref="RecipientProgress"/> or <see cref="DeliveryOutcome"/> must be added here.</summary>
internal static class ProgressCodec
{
    private const byte HeldUnchanged = 0, HeldOff = 1, HeldOn = 2;

    [Flags]
    private enum Bits : byte { None = 0, Done = 1, HasLast = 2, DsnHandedOver = 4, HasAttempted = 8, MustExpire = 16, HasCommand = 32 }

    /// <summary>An update as it was given, or with the whole progress in its place (<paramref name="whole"/>), which makes earlier records needless.</summary>
    public static void Write(RecordBuffer to, SpoolUpdate update, ImmutableArray<RecipientProgress>? whole)
    {
        to.WriteInt64(unchecked((long)update.Id.Value));
        to.WriteByte(update.Held switch { null => HeldUnchanged, false => HeldOff, true => HeldOn });
        to.WriteByte(update.Remove ? (byte)1 : (byte)0);
        to.WriteByte(whole is null ? (byte)0 : (byte)1);
        if (whole is { } all)
        {
            to.WriteVarint((uint)all.Length);
            for (int i = 0; i < all.Length; i++)
                WriteOne(to, i, all[i]);
            return;
        }
        to.WriteVarint((uint)(update.Progress.IsDefault ? 0 : update.Progress.Length));
        if (!update.Progress.IsDefault)
        {
            foreach ((int recipient, RecipientProgress progress) in update.Progress)
                WriteOne(to, recipient, progress);
        }
    }

    /// <summary>Reads an update; <paramref name="isWhole"/> tells that it carries every recipient.</summary>
    public static SpoolUpdate Read(ref PayloadReader from, out bool isWhole)
    {
        var id = new MessageId(unchecked((ulong)from.ReadInt64()));
        byte held = from.ReadByte();
        bool remove = from.ReadByte() != 0;
        isWhole = from.ReadByte() != 0;
        var progress = ImmutableArray.CreateBuilder<(int, RecipientProgress)>(from.ReadCount());
        for (int i = progress.Capacity; i > 0; i--)
            progress.Add(((int)from.ReadVarint(), ReadOne(ref from)));
        return new SpoolUpdate(id)
        {
            Held = held == HeldUnchanged ? null : held == HeldOn,
            Remove = remove,
            Progress = progress.MoveToImmutable(),
        };
    }

    private static void WriteOne(RecordBuffer to, int recipient, RecipientProgress progress)
    {
        to.WriteVarint((uint)recipient);
        to.WriteByte((byte)((progress.IsDone ? Bits.Done : 0) | (progress.Last is null ? 0 : Bits.HasLast)
            | (progress.Last is { DsnHandedOver: true } ? Bits.DsnHandedOver : 0)
            | (progress.Attempted is null ? 0 : Bits.HasAttempted)
            | (progress.MustExpire ? Bits.MustExpire : 0)
            | (progress.Last is { Command: not null } ? Bits.HasCommand : 0)));
        to.WriteVarint((uint)progress.Attempts);
        to.WriteVarint((uint)progress.DelayWarnings);
        EnvelopeCodec.WriteTime(to, progress.Due);
        if (progress.Attempted is { } attempted)
            EnvelopeCodec.WriteTime(to, attempted);
        if (progress.Last is not { } last)
            return;
        to.WriteByte((byte)last.Kind);
        to.WriteByte((byte)last.Scope);
        to.WriteByte(last.Status.Class);
        to.WriteVarint(last.Status.Subject);
        to.WriteVarint(last.Status.Detail);
        to.WriteVarint((uint)last.ReplyCode);
        to.WriteString(last.Text);
        to.WriteString(last.Peer);
        to.WriteString(last.RemoteMta);
        if (last.Command is not null)
            to.WriteString(last.Command);
    }

    private static RecipientProgress ReadOne(ref PayloadReader from)
    {
        var bits = (Bits)from.ReadByte();
        return new RecipientProgress
        {
            IsDone = bits.HasFlag(Bits.Done),
            MustExpire = bits.HasFlag(Bits.MustExpire),
            Attempts = (int)from.ReadVarint(),
            DelayWarnings = (int)from.ReadVarint(),
            Due = EnvelopeCodec.ReadTime(ref from),
            Attempted = bits.HasFlag(Bits.HasAttempted) ? EnvelopeCodec.ReadTime(ref from) : null,
            Last = bits.HasFlag(Bits.HasLast) ? ReadOutcome(ref from, bits) : null,
        };
    }

    private static DeliveryOutcome ReadOutcome(ref PayloadReader from, Bits bits) => new()
    {
        Kind = (OutcomeKind)from.ReadByte(),
        Scope = (OutcomeScope)from.ReadByte(),
        Status = new EnhancedStatus(from.ReadByte(), (ushort)from.ReadVarint(), (ushort)from.ReadVarint()),
        ReplyCode = (int)from.ReadVarint(),
        Text = from.ReadText(),
        Peer = from.ReadString(),
        RemoteMta = from.ReadString(),
        Command = bits.HasFlag(Bits.HasCommand) ? from.ReadString() : null,
        DsnHandedOver = bits.HasFlag(Bits.DsnHandedOver),
    };
}
