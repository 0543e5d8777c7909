using System.Buffers;
using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// What is kept under <c>corrupt/</c> for the operator: the raw octets of a damaged place, and of a damaged message whose commit record can still be
/// read, who it was from and for, and its body with whatever now stands where the damage is.
/// </summary>
internal static class Evidence
{
    private const int Step = 64 << 10;

    public static string PlaceName(BadStretch bad) => string.Create(CultureInfo.InvariantCulture,
        $"{(bad.Id is { } id and not 0 ? new MessageId(id).ToString() : "unknown")}-{bad.Segment.Name}-{bad.Offset}.raw");

    public static string MessageName(MessageId id) => id + ".eml";

    /// <summary>False when it was there already.</summary>
    public static bool SavePlace(ISpoolStorage storage, BadStretch bad) =>
        storage.SetAside(PlaceName(bad), to => Copy(bad.Segment, bad.Offset, bad.Length, to));

    /// <summary>False when it was there already.</summary>
    public static bool SaveMessage(ISpoolStorage storage, Envelope envelope, IEnumerable<BodyExtent> body, Func<uint, Segment?> find)
    {
        storage.SetAside(envelope.Id + ".txt", to => to.Write(Encoding.UTF8.GetBytes(Describe(envelope))));
        return storage.SetAside(MessageName(envelope.Id), to =>
        {
            foreach (BodyExtent extent in body)
            {
                if (find(extent.Segment) is { } segment)
                    Copy(segment, extent.Offset + RecordFormat.HeaderLength, extent.Length, to);
            }
        });
    }

    private static string Describe(Envelope envelope)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"id {envelope.Id}\nreceived {envelope.Received:O}\nfrom <{envelope.ReversePath}>\n");
        foreach (Recipient recipient in envelope.Recipients)
            text.Append(CultureInfo.InvariantCulture, $"to <{recipient.Address}> (was <{recipient.Original}>), action {recipient.Action}\n");
        return text.ToString();
    }

    private static void Copy(Segment segment, int offset, int length, Stream to)
    {
        byte[] octets = ArrayPool<byte>.Shared.Rent(Math.Min(length, Step));
        try
        {
            while (length > 0)
            {
                int count = segment.File.Read(octets.AsSpan(0, Math.Min(length, octets.Length)), offset);
                if (count == 0)
                    break;
                to.Write(octets, 0, count);
                offset += count;
                length -= count;
            }
        }
        catch (IOException)
        {
            // The disk cannot read it: what came before is kept.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(octets);
        }
    }
}
