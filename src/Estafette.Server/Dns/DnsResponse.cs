using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace Estafette.Dns;

internal enum DnsResponseCode { NoError = 0, FormatError = 1, ServerFailure = 2, NameError = 3, NotImplemented = 4, Refused = 5, BadVersion = 16 }

/// <summary>One record that was understood; the value is a string (names, text), an address, an <see cref="MxRecord"/> or a <see cref="TlsaRecord"/>.</summary>
internal sealed record DnsRecord(string Name, DnsRecordType Type, uint Ttl, object Value);

/// <summary>
/// A parsed answer (RFC 1035 s4). Pure, bounded by the message's length and by <see cref="MaximumRecords"/>; a message with any broken record is no answer at all.
/// </summary>
internal sealed class DnsResponse
{
    public const int MaximumRecords = 1000;

    private DnsResponse(ReadOnlySpan<byte> header)
    {
        Id = BinaryPrimitives.ReadUInt16BigEndian(header);
        IsAuthoritative = (header[2] & 0x04) != 0;
        IsTruncated = (header[2] & 0x02) != 0;
        RecursionAvailable = (header[3] & 0x80) != 0;
        IsAuthentic = (header[3] & 0x20) != 0;
        Code = (DnsResponseCode)(header[3] & 0x0F);
    }

    public ushort Id { get; }
    public bool IsAuthoritative { get; }
    public bool IsTruncated { get; }
    public bool RecursionAvailable { get; }
    public bool IsAuthentic { get; }
    public DnsResponseCode Code { get; private set; }
    public string QuestionName { get; private set; } = "";
    public DnsRecordType QuestionType { get; private set; }
    public ImmutableArray<DnsRecord> Answers { get; private set; } = [];

    /// <summary>How long "nothing" may be remembered (RFC 2308 s5); null without an SOA.</summary>
    public uint? NegativeTtl { get; private set; }

    public static bool TryParse(ReadOnlySpan<byte> message, out DnsResponse response)
    {
        response = null!;
        // An answer (QR) to a standard query (opcode 0) with one question.
        if (message.Length < DnsQuestion.HeaderLength || (message[2] & 0xF8) != 0x80 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
            return false;
        response = new DnsResponse(message);
        int at = DnsQuestion.HeaderLength;
        if (!DnsName.TryRead(message, ref at, out string question) || at + 4 > message.Length || BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]) != 1)
            return false;
        response.QuestionName = question;
        response.QuestionType = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        at += 4;
        // What a truncated message still holds is not used: the question is asked again over TCP.
        return response.IsTruncated || response.TryReadRecords(message, at);
    }

    private bool TryReadRecords(ReadOnlySpan<byte> message, int at)
    {
        int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        int authority = BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        int additional = BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        int total = answers + authority + additional;
        if (total > MaximumRecords)
            return false;
        var found = ImmutableArray.CreateBuilder<DnsRecord>();
        for (int i = 0; i < total; i++)
        {
            if (!TryReadRecord(message, ref at, out DnsRecord? record))
                return false;
            if (record is null)
                continue;
            if (i < answers)
                found.Add(record);
            else if (i < answers + authority && record.Type is DnsRecordType.Soa)
                NegativeTtl = Math.Min(record.Ttl, (uint)record.Value);
        }
        Answers = found.ToImmutable();
        return true;
    }

    /// <summary>False for a broken one; null for one of another class or type.</summary>
    private bool TryReadRecord(ReadOnlySpan<byte> message, ref int at, out DnsRecord? record)
    {
        record = null;
        if (!DnsName.TryRead(message, ref at, out string owner) || at + 10 > message.Length)
            return false;
        var type = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        int recordClass = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 2)..]);
        uint ttl = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        at += 10;
        if (at + length > message.Length)
            return false;
        int start = at;
        at += length;
        if (type is DnsRecordType.Opt)
            Code = (DnsResponseCode)((int)Code | (int)(ttl >> 24 << 4));
        if (type is DnsRecordType.Opt || recordClass != 1)
            return true;
        // RFC 2181 s8: the highest bit set means zero.
        ttl = ttl > int.MaxValue ? 0 : ttl;
        // Names in data may point anywhere before, but may not end behind the record.
        if (!TryReadValue(message[..at], start, type, out object? value))
            return false;
        if (value is not null)
            record = new DnsRecord(owner.ToLowerInvariant(), type, ttl, value);
        return true;
    }

    private static bool TryReadValue(ReadOnlySpan<byte> message, int at, DnsRecordType type, out object? value)
    {
        value = null;
        ReadOnlySpan<byte> data = message[at..];
        switch (type)
        {
            case DnsRecordType.A:
                value = data.Length == 4 ? new IPAddress(data) : null;
                return data.Length == 4;
            case DnsRecordType.Aaaa:
                value = data.Length == 16 ? new IPAddress(data) : null;
                return data.Length == 16;
            case DnsRecordType.Cname or DnsRecordType.Ptr or DnsRecordType.Ns:
                return TryReadLastName(message, at, out value);
            case DnsRecordType.Mx:
                if (data.Length < 3 || !TryReadLastName(message, at + 2, out object? exchange))
                    return false;
                value = new MxRecord(BinaryPrimitives.ReadUInt16BigEndian(data), (string)exchange!);
                return true;
            case DnsRecordType.Txt:
                return TryReadText(data, out value);
            case DnsRecordType.Tlsa:
                value = data.Length > 3 ? new TlsaRecord(data[0], data[1], data[2], [.. data[3..]]) : null;
                return data.Length > 3;
            case DnsRecordType.Soa:
                if (!DnsName.TryRead(message, ref at, out _) || !DnsName.TryRead(message, ref at, out _) || at + 20 != message.Length)
                    return false;
                value = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 16)..]);
                return true;
            default:
                return true;
        }
    }

    private static bool TryReadLastName(ReadOnlySpan<byte> message, int at, out object? value)
    {
        bool read = DnsName.TryRead(message, ref at, out string name) && at == message.Length;
        value = name.ToLowerInvariant();
        return read;
    }

    /// <summary>The strings joined, one character an octet.</summary>
    private static bool TryReadText(ReadOnlySpan<byte> data, out object? value)
    {
        var text = new StringBuilder(data.Length);
        while (!data.IsEmpty && data[0] < data.Length)
        {
            text.Append(Encoding.Latin1.GetString(data.Slice(1, data[0])));
            data = data[(data[0] + 1)..];
        }
        value = text.ToString();
        return data.IsEmpty;
    }
}
