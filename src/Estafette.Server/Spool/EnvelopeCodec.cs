using System.Collections.Immutable;
using System.Net;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>Envelope to octets and back. A property added to <see cref="Envelope"/> must be added here; a test compares the two.</summary>
internal static class EnvelopeCodec
{
    private const byte RelayTarget = 0, UserTarget = 1, FileTarget = 2, CommandTarget = 3;

    [Flags]
    private enum Bits : byte { None = 0, SmtpUtf8 = 1, Junk = 2, Notification = 4, Hold = 8 }

    /// <summary>Parts of a recipient that few have. Records of version 1 know the first only.</summary>
    [Flags]
    private enum RecipientBits : byte { None = 0, ReversePath = 1, NextHop = 2 }

    public static void Write(RecordBuffer to, Envelope envelope)
    {
        to.WriteInt64(unchecked((long)envelope.Id.Value));
        WriteTime(to, envelope.Received);
        to.WriteInt64(envelope.Size);
        to.WriteByte((byte)envelope.Body);
        to.WriteByte((byte)envelope.Return);
        to.WriteByte((byte)((envelope.SmtpUtf8 ? Bits.SmtpUtf8 : 0) | (envelope.Junk ? Bits.Junk : 0)
            | (envelope.IsNotification ? Bits.Notification : 0) | (envelope.Hold ? Bits.Hold : 0)));
        WriteAddress(to, envelope.ReversePath);
        to.WriteString(envelope.DsnEnvelopeId);
        WriteClient(to, envelope.Client);
        to.WriteVarint((uint)envelope.Recipients.Length);
        foreach (Recipient recipient in envelope.Recipients)
            WriteRecipient(to, recipient);
    }

    public static Envelope Read(ref PayloadReader from)
    {
        var id = new MessageId(unchecked((ulong)from.ReadInt64()));
        DateTimeOffset received = ReadTime(ref from);
        long size = from.ReadInt64();
        var body = (BodyType)from.ReadByte();
        var dsnReturn = (DsnReturn)from.ReadByte();
        var bits = (Bits)from.ReadByte();
        MailAddress reversePath = ReadAddress(ref from);
        string? envelopeId = from.ReadString();
        ClientInfo client = ReadClient(ref from);
        var recipients = ImmutableArray.CreateBuilder<Recipient>(from.ReadCount());
        for (int i = recipients.Capacity; i > 0; i--)
            recipients.Add(ReadRecipient(ref from));
        return new Envelope
        {
            Id = id,
            Received = received,
            Size = size,
            Body = body,
            Return = dsnReturn,
            SmtpUtf8 = bits.HasFlag(Bits.SmtpUtf8),
            Junk = bits.HasFlag(Bits.Junk),
            IsNotification = bits.HasFlag(Bits.Notification),
            Hold = bits.HasFlag(Bits.Hold),
            ReversePath = reversePath,
            DsnEnvelopeId = envelopeId,
            Client = client,
            Recipients = recipients.MoveToImmutable(),
        };
    }

    public static void WriteTime(RecordBuffer to, DateTimeOffset time)
    {
        to.WriteInt64(time.UtcTicks);
        to.WriteUInt32(unchecked((uint)(int)time.Offset.TotalMinutes));
    }

    public static DateTimeOffset ReadTime(ref PayloadReader from)
    {
        long ticks = from.ReadInt64();
        var offset = TimeSpan.FromMinutes(unchecked((int)from.ReadUInt32()));
        return new DateTimeOffset(ticks, TimeSpan.Zero).ToOffset(offset);
    }

    private static void WriteAddress(RecordBuffer to, MailAddress address)
    {
        to.WriteString(address.LocalPart);
        to.WriteString(address.Domain);
    }

    private static MailAddress ReadAddress(ref PayloadReader from)
    {
        string local = from.ReadText();
        string domain = from.ReadText();
        return local.Length == 0 && domain.Length == 0 ? MailAddress.Null : new MailAddress(local, domain);
    }

    private static void WriteClient(RecordBuffer to, ClientInfo client)
    {
        to.WriteInt64(unchecked((long)client.SessionId));
        to.WriteString(client.Address?.ToString());
        to.WriteVarint((uint)client.Port);
        to.WriteString(client.HostName);
        to.WriteString(client.Helo);
        to.WriteString(client.Protocol);
        to.WriteString(client.Login);
        to.WriteByte(client.LocalUid is null ? (byte)0 : (byte)1);
        to.WriteUInt32(client.LocalUid ?? 0);
        to.WriteString(client.TlsProtocol);
        to.WriteString(client.TlsCipher);
        to.WriteVarint((uint)client.TlsBits);
        to.WriteString(client.Tag);
    }

    private static ClientInfo ReadClient(ref PayloadReader from)
    {
        ulong session = unchecked((ulong)from.ReadInt64());
        string? address = from.ReadString();
        int port = (int)from.ReadVarint();
        string? hostName = from.ReadString();
        string helo = from.ReadText();
        string protocol = from.ReadText();
        string? login = from.ReadString();
        bool hasUid = from.ReadByte() != 0;
        uint uid = from.ReadUInt32();
        return new ClientInfo
        {
            SessionId = session,
            Address = address is null ? null : IPAddress.Parse(address),
            Port = port,
            HostName = hostName,
            Helo = helo,
            Protocol = protocol,
            Login = login,
            LocalUid = hasUid ? uid : null,
            TlsProtocol = from.ReadString(),
            TlsCipher = from.ReadString(),
            TlsBits = (int)from.ReadVarint(),
            Tag = from.ReadText(),
        };
    }

    private static void WriteRecipient(RecordBuffer to, Recipient recipient)
    {
        to.WriteUInt32(recipient.Key);
        WriteAddress(to, recipient.Original);
        WriteAddress(to, recipient.Address);
        to.WriteString(recipient.Action);
        WriteTarget(to, recipient.Target);
        to.WriteByte((byte)recipient.Notify);
        to.WriteString(recipient.DsnOriginalRecipient);
        to.WriteByte((byte)((recipient.ReversePath is null ? 0 : RecipientBits.ReversePath) | (recipient.NextHop.Length == 0 ? 0 : RecipientBits.NextHop)));
        if (recipient.ReversePath is { } path)
            WriteAddress(to, path);
        to.WriteString(recipient.Detail);
        if (recipient.NextHop.Length > 0)
            to.WriteString(recipient.NextHop);
    }

    private static Recipient ReadRecipient(ref PayloadReader from)
    {
        var recipient = new Recipient
        {
            Key = from.ReadUInt32(),
            Original = ReadAddress(ref from),
            Address = ReadAddress(ref from),
            Action = from.ReadText(),
            Target = ReadTarget(ref from),
            Notify = (DsnNotify)from.ReadByte(),
            DsnOriginalRecipient = from.ReadString(),
        };
        var bits = (RecipientBits)from.ReadByte();
        return recipient with
        {
            ReversePath = bits.HasFlag(RecipientBits.ReversePath) ? ReadAddress(ref from) : null,
            Detail = from.ReadText(),
            NextHop = bits.HasFlag(RecipientBits.NextHop) ? from.ReadText() : "",
        };
    }

    private static void WriteTarget(RecordBuffer to, DeliveryTarget target)
    {
        switch (target)
        {
            case DeliveryTarget.Relay:
                to.WriteByte(RelayTarget);
                break;
            case DeliveryTarget.User user:
                to.WriteByte(UserTarget);
                to.WriteString(user.Name);
                break;
            case DeliveryTarget.File file:
                to.WriteByte(FileTarget);
                to.WriteString(file.Path);
                to.WriteString(file.RunAs);
                to.WriteByte((byte)file.Source);
                break;
            case DeliveryTarget.Command command:
                to.WriteByte(CommandTarget);
                to.WriteString(command.CommandLine);
                to.WriteString(command.RunAs);
                to.WriteByte((byte)command.Source);
                break;
            default:
                throw new ArgumentException($"The spool has no form for {target.GetType().Name}.", nameof(target));
        }
    }

    private static DeliveryTarget ReadTarget(ref PayloadReader from) => from.ReadByte() switch
    {
        RelayTarget => DeliveryTarget.Relay.Instance,
        UserTarget => new DeliveryTarget.User(from.ReadText()),
        FileTarget => new DeliveryTarget.File(from.ReadText(), from.ReadText(), (TargetSource)from.ReadByte()),
        CommandTarget => new DeliveryTarget.Command(from.ReadText(), from.ReadText(), (TargetSource)from.ReadByte()),
        byte other => throw new InvalidDataException($"A spool record names the unknown delivery target {other}."),
    };
}
