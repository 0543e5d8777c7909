using System.Buffers;
using System.Collections.Immutable;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

/// <summary>
/// A stored message with the addresses of its header as <c>smtp_generic_maps</c> wants them outside (generic(5)): the header is written anew, the body stays where it is. Null from
/// <see cref="OfAsync"/>: nothing changes.
/// </summary>
internal sealed class GenericMessage : SpoolBody
{
    /// <summary>Octets of a header that is rewritten; a larger one goes as it is.</summary>
    private const int MaximumHeader = 1 << 20;
    private const int TokenLimit = 10_240;

    private readonly SpoolBody _stored;
    private readonly ReadOnlyMemory<byte> _header;
    private readonly long _storedHeader;

    private GenericMessage(SpoolBody stored, ReadOnlyMemory<byte> header, long storedHeader)
    {
        _stored = stored;
        _header = header;
        _storedHeader = storedHeader;
    }

    public override long Length => _header.Length + _stored.Length - _storedHeader;

    public override ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (offset >= _header.Length)
            return _stored.ReadAsync(offset - _header.Length + _storedHeader, buffer, cancellationToken);
        ReadOnlyMemory<byte> rest = _header[(int)offset..];
        int count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer);
        return ValueTask.FromResult(count);
    }

    // The stored message belongs to who opened it.
    protected override void Dispose(bool disposing) { }

    /// <param name="stored">The message.</param>
    /// <param name="addressOf">What an address in its written form becomes; a null address where it stays.</param>
    public static async ValueTask<(GenericMessage? Message, string? Trouble)> OfAsync(
        SpoolBody stored, Func<string, CancellationToken, ValueTask<RelayTableAnswer>> addressOf, CancellationToken cancellationToken)
    {
        var scanner = new HeaderScanner(new HeaderLimits(MaximumHeader, int.MaxValue));
        byte[] octets = new byte[(int)Math.Min(stored.Length, MaximumHeader)];
        int length = 0;
        while (!scanner.IsEnded && length < octets.Length)
        {
            int count = await stored.ReadAsync(length, octets.AsMemory(length), cancellationToken);
            if (count <= 0)
                break;
            scanner.Push(octets.AsSpan(length, count));
            length += count;
        }
        if (!scanner.IsEnded)
            scanner.Complete();
        if (scanner.State is HeaderScanState.TooLarge)
            return (null, null);
        var output = new ArrayBufferWriter<byte>((int)scanner.HeaderLength + 256);
        bool changed = false;
        foreach (ReadOnlyMemory<byte> field in FieldsOf(octets.AsMemory(0, (int)scanner.HeaderLength)))
        {
            (byte[]? rewritten, string? trouble) = await RewriteAsync(field, addressOf, cancellationToken);
            if (trouble is not null)
                return (null, trouble);
            changed |= rewritten is not null;
            output.Write(rewritten ?? field.Span);
        }
        return (changed ? new GenericMessage(stored, output.WrittenMemory, scanner.HeaderLength) : null, null);
    }

    private static List<ReadOnlyMemory<byte>> FieldsOf(ReadOnlyMemory<byte> header)
    {
        var fields = new List<ReadOnlyMemory<byte>>();
        int start = 0;
        foreach (HeaderField field in new HeaderFields(header.Span))
        {
            fields.Add(header.Slice(start, field.Whole.Length));
            start += field.Whole.Length;
        }
        fields.Add(header[start..]);
        return fields;
    }

    private static async ValueTask<(byte[]? Field, string? Trouble)> RewriteAsync(
        ReadOnlyMemory<byte> field, Func<string, CancellationToken, ValueTask<RelayTableAnswer>> addressOf, CancellationToken cancellationToken)
    {
        int colon = field.Span.IndexOf((byte)':');
        if (colon <= 0 || (FieldTable.Of(field.Span[..colon].TrimEnd((byte)' ')) & (FieldTraits.Sender | FieldTraits.Recipient)) == 0)
            return (null, null);
        // Fields are taken apart without their last line end.
        int end = field.Span.TrimEnd("\r\n"u8).Length;
        AddressField addresses = AddressField.Parse(Unfolded(field.Span[(colon + 1)..end]), TokenLimit);
        bool changed = false;
        for (int i = 0; i < addresses.Count; i++)
        {
            string address = addresses.AddressAt(i);
            RelayTableAnswer answer = await addressOf(address, cancellationToken);
            if (answer.Trouble is not null)
                return (null, answer.Trouble);
            if (answer.Value is null || answer.Value == address)
                continue;
            addresses.Replace(i, answer.Value);
            changed = true;
        }
        return changed ? (Written(field.Span[..colon], addresses.Write(), field.Span[end..]), null) : (null, null);
    }

    private static byte[] Unfolded(ReadOnlySpan<byte> value)
    {
        byte[] plain = value.ToArray();
        return [.. plain.Where(b => b is not (byte)'\r')];
    }

    /// <summary>Lines as the stored message has them.</summary>
    private static byte[] Written(ReadOnlySpan<byte> name, byte[] value, ReadOnlySpan<byte> lineEnd)
    {
        byte[] joined = [.. name, (byte)':', (byte)' ', .. value];
        FieldLayout.Fill(joined);
        return [.. joined.SelectMany(b => b == (byte)'\n' ? "\r\n"u8.ToArray() : [b]), .. lineEnd];
    }
}
