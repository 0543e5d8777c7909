using System.Text;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Delivery.Users;

/// <summary>
/// The addresses that a message has been delivered to before, by its Delivered-To fields: one that comes again is a loop (local(8), virtual(8), pipe(8) with the flag D).
/// </summary>
internal sealed class DeliveredToFields
{
    /// <summary>Octets of a header that are read for them, and fields that are kept.</summary>
    private const int MaximumHeader = 1 << 20;
    private const int MaximumFields = 1000;
    private const int Piece = 8192;

    private readonly HashSet<string> _addresses = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The Received fields of the header (RFC 5321 s6.3).</summary>
    public int Hops { get; private set; }

    public bool Contains(MailAddress address) => _addresses.Count > 0 && _addresses.Contains(address.ToString());

    /// <summary>A header that cannot be read to its end tells what it could: the body will tell of the damage.</summary>
    public static async ValueTask<DeliveredToFields> ReadAsync(SpoolBody body, CancellationToken cancellationToken)
    {
        var fields = new DeliveredToFields();
        var scanner = new HeaderScanner(new HeaderLimits(MaximumHeader, int.MaxValue), fields.Add, KnownField.DeliveredTo);
        byte[] piece = System.Buffers.ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            for (long offset = 0; !scanner.IsEnded && offset < body.Length;)
            {
                int count = await body.ReadAsync(offset, piece.AsMemory(0, Piece), cancellationToken);
                if (count <= 0)
                    break;
                scanner.Push(piece.AsSpan(0, count));
                offset += count;
            }
            if (!scanner.IsEnded)
                scanner.Complete();
            fields.Hops = scanner.Hops;
        }
        catch (InvalidDataException)
        {
            // Above.
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(piece);
        }
        return fields;
    }

    private void Add(KnownField field, ReadOnlySpan<byte> value)
    {
        if (_addresses.Count < MaximumFields)
            _addresses.Add(Encoding.UTF8.GetString(value).Trim());
    }
}
