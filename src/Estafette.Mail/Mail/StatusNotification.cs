using System.Buffers;
using System.Globalization;
using System.Text;

namespace Estafette.Mail;

/// <summary>Reads octets of a message at an offset; 0 at the end. A stored body's ReadAsync fits.</summary>
public delegate ValueTask<int> OctetReader(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

/// <summary>Takes the next octets of a message that is being written.</summary>
public delegate ValueTask OctetWriter(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken);

/// <summary>
/// Writes a delivery status notification: multipart/report with a text for people, message/delivery-status, and the original or its header (RFC 3464,
/// RFC 6522; RFC 6533 for SMTPUTF8 mail; E26, E35, E36). It streams: memory does not grow with the original nor with its recipients. The notification goes
/// out with the null reverse-path and must never cause another.
/// </summary>
public static class StatusNotification
{
    private const int ChunkSize = 16 * 1024;

    public static async ValueTask WriteAsync(StatusNotificationRequest request, OctetReader original, OctetWriter output, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        string boundary = string.Create(CultureInfo.InvariantCulture, $"{request.Random:x32}/{FieldText.Sanitize(request.ReportingHost)}");
        bool international = request.Original.SmtpUtf8;
        NotificationText.WriteHeader(buffer, request, boundary);
        NotificationText.WriteIntroduction(buffer, request, boundary);
        foreach (NotifiedRecipient notified in request.Recipients)
        {
            NotificationText.WriteRecipient(buffer, notified, international);
            await FlushAsync(buffer, output, cancellationToken);
        }
        NotificationText.WriteClosing(buffer, request);

        DeliveryStatusPart.WriteMessageFields(buffer, request, boundary);
        foreach (NotifiedRecipient notified in request.Recipients)
        {
            DeliveryStatusPart.WriteRecipientFields(buffer, request, notified);
            await FlushAsync(buffer, output, cancellationToken);
        }

        NotificationText.WriteReturnedPartHeader(buffer, request, boundary);
        await FlushAsync(buffer, output, cancellationToken);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long length = request.ReturnsFull ? long.MaxValue : await HeaderLengthAsync(original, chunk, request.MaximumReturnedHeader, cancellationToken);
            await CopyAsync(original, output, chunk, length, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
        await output(Encoding.UTF8.GetBytes($"\r\n--{boundary}--\r\n"), cancellationToken);
    }

    private static async ValueTask FlushAsync(ArrayBufferWriter<byte> buffer, OctetWriter output, CancellationToken cancellationToken)
    {
        await output(buffer.WrittenMemory, cancellationToken);
        buffer.ResetWrittenCount();
    }

    private static async ValueTask<long> HeaderLengthAsync(OctetReader original, byte[] chunk, int maximum, CancellationToken cancellationToken)
    {
        var scan = new HeaderScanner(new HeaderLimits(maximum, int.MaxValue));
        long offset = 0;
        while (!scan.IsEnded)
        {
            int read = await original(offset, chunk, cancellationToken);
            offset += read;
            if (read > 0)
                scan.Push(chunk.AsSpan(0, read));
            else
                scan.Complete();
        }
        return scan.State is HeaderScanState.TooLarge ? maximum : scan.HeaderLength;
    }

    private static async ValueTask CopyAsync(OctetReader original, OctetWriter output, byte[] chunk, long length, CancellationToken cancellationToken)
    {
        long offset = 0;
        while (offset < length)
        {
            int read = await original(offset, chunk.AsMemory(0, (int)Math.Min(chunk.Length, length - offset)), cancellationToken);
            if (read == 0)
                return;
            await output(chunk.AsMemory(0, read), cancellationToken);
            offset += read;
        }
    }
}
