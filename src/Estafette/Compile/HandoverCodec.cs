using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Estafette.Config;

namespace Estafette.Program.Compile;

/// <summary>
/// A handover as octets: a line of its own, the length, the parts. Both ends are the same program. Reading throws <see cref="InvalidDataException"/> for anything
/// else and never takes more than <see cref="MaximumSize"/>.
/// </summary>
internal static class HandoverCodec
{
    /// <summary>Octets of one file that is handed over; larger tables belong to a group that the daemon is in.</summary>
    public const int MaximumFile = 16 << 20;

    /// <summary>Octets of all of them.</summary>
    public const int MaximumSize = 64 << 20;

    /// <summary>The first line.</summary>
    public const string Mark = "ESTAFETTE HANDOVER 1";

    public static async Task WriteAsync(Stream output, Handover handover, CancellationToken cancellationToken)
    {
        byte[] body = Encode(handover);
        byte[] head = new byte[Mark.Length + 1 + 4];
        Encoding.ASCII.GetBytes(Mark + "\n", head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Mark.Length + 1), body.Length);
        await output.WriteAsync(head, cancellationToken);
        await output.WriteAsync(body, cancellationToken);
        await output.FlushAsync(cancellationToken);
        CryptographicOperations.ZeroMemory(body);
    }

    /// <summary>Reads what follows the first line.</summary>
    public static async Task<Handover> ReadAsync(Stream input, CancellationToken cancellationToken)
    {
        byte[] head = new byte[4];
        await input.ReadExactlyAsync(head, cancellationToken);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 0 or > MaximumSize)
            throw new InvalidDataException("a handover of an impossible size");
        byte[] body = new byte[length];
        await input.ReadExactlyAsync(body, cancellationToken);
        try
        {
            using var parts = new MemoryStream(body);
            return Decode(parts);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(body);
        }
    }

    /// <summary>The parts alone, for a file.</summary>
    public static byte[] Encode(Handover handover)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        Write(writer, handover.Problems);
        Write(writer, handover.Warnings);
        writer.Write(handover.Files.All.Count);
        foreach (HandedFile file in handover.Files.All)
        {
            writer.Write(file.Path);
            FileStamp stamp = file.Stamp;
            writer.Write(stamp.Device);
            writer.Write(stamp.Inode);
            writer.Write(stamp.Size);
            writer.Write(stamp.Modified.Ticks);
            writer.Write(stamp.Changed.Ticks);
            writer.Write(stamp.Mode);
            writer.Write(stamp.User);
            writer.Write(stamp.Group);
            writer.Write(file.Content.Length);
            writer.Write(file.Content.Span);
        }
        writer.Flush();
        byte[] body = buffer.ToArray();
        CryptographicOperations.ZeroMemory(buffer.GetBuffer());
        return body;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    public static Handover Decode(Stream body)
    {
        using var reader = new BinaryReader(body, Encoding.UTF8, leaveOpen: true);
        try
        {
            ImmutableArray<string> problems = Texts(reader), warnings = Texts(reader);
            var files = new List<HandedFile>();
            for (int n = reader.ReadInt32(); n > 0; n--)
            {
                string path = reader.ReadString();
                var stamp = new FileStamp(
                    reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), TimeSpan.FromTicks(reader.ReadInt64()), TimeSpan.FromTicks(reader.ReadInt64()), reader.ReadInt32())
                {
                    User = reader.ReadUInt32(),
                    Group = reader.ReadUInt32(),
                };
                int length = reader.ReadInt32();
                byte[] content = length is < 0 or > MaximumFile ? throw new InvalidDataException("a file of an impossible size") : reader.ReadBytes(length);
                if (content.Length < length)
                    throw new EndOfStreamException();
                files.Add(new HandedFile(path, stamp, content));
            }
            return new Handover(new HandedFiles(files)) { Problems = problems, Warnings = warnings };
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentException or FormatException or IOException)
        {
            throw new InvalidDataException("a handover that is cut off or garbled", e);
        }
    }

    private static void Write(BinaryWriter writer, ImmutableArray<string> texts)
    {
        writer.Write(texts.Length);
        foreach (string text in texts)
            writer.Write(text);
    }

    private static ImmutableArray<string> Texts(BinaryReader reader)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        for (int n = reader.ReadInt32(); n > 0; n--)
            texts.Add(reader.ReadString());
        return texts.ToImmutable();
    }
}
