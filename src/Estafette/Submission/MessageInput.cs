using System.Buffers;

namespace Estafette.Program.Submission;

/// <summary>What is kept of a line, or of a piece of a long one; null where the message ends before it.</summary>
internal delegate ReadOnlyMemory<byte>? LineFilter(ReadOnlyMemory<byte> piece);

/// <summary>
/// A message read from standard input: the header block in memory (bounded), the body in memory up to a limit and beyond it in an unlinked
/// temporary file, so that a message can be offered again: to the socket, then to the drop folder. Line ends are kept as read.
/// </summary>
internal sealed class MessageInput : IAsyncDisposable
{
    /// <summary>A header larger than this is no header.</summary>
    public const int MaximumHeader = 1 << 20;
    private const int MemoryLimit = 1 << 20;

    private readonly Stream _body;

    private MessageInput(byte[] header, Stream body)
    {
        Header = header;
        _body = body;
    }

    /// <summary>The header block without the empty line that ends it; empty when the message begins with body text.</summary>
    public byte[] Header { get; }

    public Stream Body
    {
        get
        {
            _body.Position = 0;
            return _body;
        }
    }

    /// <summary>Reads a message that somebody else completes: no part of it is a header here.</summary>
    /// <param name="filter">Looks at each line, or piece of a long one.</param>
    public static async Task<MessageInput> ReadAsync(Stream input, LineFilter filter, CancellationToken cancellationToken)
    {
        var lines = new LineReader(input);
        Stream body = new MemoryStream();
        while (await lines.NextAsync(cancellationToken) is { IsEmpty: false } piece)
        {
            if (filter(piece) is not { } kept)
                break;
            body = SpillIfLarge(body, kept.Length);
            await body.WriteAsync(kept, cancellationToken);
        }
        return new MessageInput([], body);
    }

    /// <param name="endsAtDot">A line with a single dot ends the message, as sendmail without <c>-i</c> has it.</param>
    public static async Task<MessageInput> ReadAsync(Stream input, bool endsAtDot, CancellationToken cancellationToken)
    {
        var lines = new LineReader(input);
        var header = new ArrayBufferWriter<byte>();
        Stream body = new MemoryStream();
        bool inHeader = true;
        bool atLineStart = true;
        while (await lines.NextAsync(cancellationToken) is { IsEmpty: false } piece)
        {
            bool wasLineStart = atLineStart;
            atLineStart = piece.Span[^1] == '\n';
            if (wasLineStart && endsAtDot && piece.Span.TrimEnd("\r\n"u8).SequenceEqual("."u8))
                break;
            if (inHeader)
            {
                if (wasLineStart && piece.Span.TrimEnd("\r\n"u8).IsEmpty)
                {
                    inHeader = false;
                    continue;
                }
                if (!wasLineStart || LooksLikeHeader(piece.Span, header.WrittenCount > 0))
                {
                    header.Write(piece.Span);
                    if (header.WrittenCount <= MaximumHeader)
                        continue;
                    throw new InvalidDataException($"the header is larger than {MaximumHeader} octets");
                }
                inHeader = false;
            }
            body = SpillIfLarge(body, piece.Length);
            await body.WriteAsync(piece, cancellationToken);
        }
        return new MessageInput(header.WrittenSpan.ToArray(), body);
    }

    /// <summary>A field name and a colon, or a continuation of one (RFC 5322 s2.2). Everything else is body that came without its empty line (V3).</summary>
    private static bool LooksLikeHeader(ReadOnlySpan<byte> line, bool hasField)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
            return hasField;
        int colon = line.IndexOf((byte)':');
        return colon > 0 && line[..colon].TrimEnd(" \t"u8).IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0;
    }

    private static Stream SpillIfLarge(Stream body, int more)
    {
        if (body is not MemoryStream memory || memory.Length + more <= MemoryLimit)
            return body;
        var file = new FileStream(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        memory.Position = 0;
        memory.CopyTo(file);
        return file;
    }

    public ValueTask DisposeAsync() => _body.DisposeAsync();
}
