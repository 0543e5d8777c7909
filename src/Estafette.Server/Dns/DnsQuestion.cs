using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Estafette.Dns;

/// <summary>One question as it is sent: recursion and the AD bit wanted, EDNS0 (RFC 1035 s4.1, RFC 6891, RFC 6840 s5.7).</summary>
internal sealed class DnsQuestion
{
    public const int HeaderLength = 12;
    public const int MaximumLength = HeaderLength + DnsName.MaximumWireLength + 4 + 11;

    /// <summary>What fits through every path without fragments (DNS flag day 2020).</summary>
    public const int UdpPayload = 1232;

    private const ushort ClassIn = 1;

    public DnsQuestion(string name, DnsRecordType type, bool randomCase)
    {
        Name = randomCase ? RandomCase(name) : name;
        Type = type;
        Id = (ushort)RandomNumberGenerator.GetInt32(1 << 16);
    }

    public ushort Id { get; }

    /// <summary>The spelling that the answer must repeat.</summary>
    public string Name { get; }
    public DnsRecordType Type { get; }

    /// <summary>The name was validated by <see cref="DnsName.TryNormalize"/>.</summary>
    public int Write(Span<byte> destination, bool edns)
    {
        destination[..HeaderLength].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(destination, Id);
        destination[2] = 0x01; // RD
        destination[3] = 0x20; // AD
        destination[5] = 1;
        destination[11] = (byte)(edns ? 1 : 0);
        if (!DnsName.TryEncode(Name, destination[HeaderLength..], out int nameLength))
            throw new InvalidOperationException("The name was not validated.");
        int at = HeaderLength + nameLength;
        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)Type);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(at + 2)..], ClassIn);
        at += 4;
        if (!edns)
            return at;
        Span<byte> opt = destination.Slice(at, 11);
        opt.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(opt[1..], (ushort)DnsRecordType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(opt[3..], UdpPayload);
        return at + 11;
    }

    /// <summary>Whether a message can be the answer to this: id, question and the bit that makes it an answer (RFC 5452 s9.1).</summary>
    public bool IsAnsweredBy(DnsResponse response) =>
        response.Id == Id && response.QuestionType == Type && string.Equals(response.QuestionName, Name, StringComparison.Ordinal);

    private static string RandomCase(string name) => string.Create(name.Length, name, static (span, source) =>
    {
        Span<byte> bits = stackalloc byte[source.Length];
        RandomNumberGenerator.Fill(bits);
        for (int i = 0; i < span.Length; i++)
            span[i] = (bits[i] & 1) == 0 ? source[i] : char.ToUpperInvariant(source[i]);
    });
}
