using System.Buffers;

namespace Estafette.Mail;

public enum DowngradeVerdict : byte
{
    /// <summary>No body has an octet beyond ASCII: the message needs no 8BITMIME.</summary>
    NotNeeded,
    Possible,

    /// <summary>The sender is told 5.6.3 (RFC 6152 s3).</summary>
    Impossible,
}

/// <summary>What the first pass found; <see cref="Obstacle"/> says why it is impossible.</summary>
public sealed class DowngradePlan
{
    internal DowngradePlan(DowngradeVerdict verdict, string obstacle, IReadOnlyDictionary<int, TransferEncoding> encodings)
    {
        Verdict = verdict;
        Obstacle = obstacle;
        Encodings = encodings;
    }

    public DowngradeVerdict Verdict { get; }
    public string Obstacle { get; }
    internal IReadOnlyDictionary<int, TransferEncoding> Encodings { get; }
}

/// <summary>
/// Turns an 8-bit message into a 7-bit one for a next hop without 8BITMIME (RFC 6152 s3): each 8-bit body becomes quoted-printable or base64, headers and all
/// else keep their octets (raw octets in headers, too: no encoding of a body covers them). Signed and encrypted content is never touched (E24). Two passes over the stored message; memory
/// holds a header and a chunk.
/// </summary>
public static class MimeDowngrade
{
    private const int ChunkSize = 16 * 1024;

    public static async ValueTask<DowngradePlan> PlanAsync(OctetReader message, CancellationToken cancellationToken)
    {
        var survey = new MimeSurvey();
        var walker = new MimeWalker(survey);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long offset = 0;
            for (int read; (read = await message(offset, chunk, cancellationToken)) > 0; offset += read)
                walker.Push(chunk.AsSpan(0, read));
            walker.Complete();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
        string? obstacle = walker.Problem ?? survey.Obstacle;
        if (walker.Problem is null && !survey.HasEightBit)
            return new DowngradePlan(DowngradeVerdict.NotNeeded, "", survey.Encodings);
        return new DowngradePlan(obstacle is null ? DowngradeVerdict.Possible : DowngradeVerdict.Impossible, obstacle ?? "", survey.Encodings);
    }

    /// <summary>The octets of the converted message, counted by a pass of its own.</summary>
    public static async ValueTask<long> MeasureAsync(OctetReader message, DowngradePlan plan, CancellationToken cancellationToken)
    {
        using var reader = new DowngradedMessage(message, plan);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            long length = 0;
            for (int read; (read = await reader.ReadAsync(chunk, cancellationToken)) > 0; length += read)
            {
            }
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
