using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Estafette.Mail;
using Estafette.Routing;

namespace Estafette.Delivery.Local;

/// <summary>
/// One connection to a helper of the privileged side, which serves one identity. Transactions are pipelined and answered in order. When the connection breaks, every
/// open transaction is answered "deferred": whether the message is in its place is then not known, and it is delivered again (at least once).
/// </summary>
internal sealed class LocalConnection : IAsyncDisposable
{
    private const int BodyBuffer = 64 * 1024;

    private readonly Stream _stream;
    private readonly PipeReader _reader;
    private readonly PipeWriter _writer;
    private readonly Queue<Pending> _open = new();
    private readonly SemaphoreSlim _room = new(LocalProtocol.BatchLimit);
    private Task _replies = Task.CompletedTask;
    private bool _broken;
    private bool _closed;

    private LocalConnection(Socket socket, LocalIdentity identity)
    {
        Identity = identity;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = PipeReader.Create(_stream);
        _writer = PipeWriter.Create(_stream, new StreamPipeWriterOptions(minimumBufferSize: BodyBuffer));
    }

    private static LocalReply Gone { get; } = LocalReply.Defer(3, 0, "the local delivery process went away");

    private sealed record Pending(Action<LocalReply>? Completed, TaskCompletionSource<ForwardFile>? Forward);

    public LocalIdentity Identity { get; }
    public bool IsUsable => !Volatile.Read(ref _broken);

    /// <summary>When it was given back, in milliseconds of the pool's clock.</summary>
    public long IdleSince { get; set; }

    /// <summary>The generation of the configuration it was opened under.</summary>
    public int Generation { get; init; }

    /// <summary>Connects and waits for the helper's greeting. The reply tells why there is no connection.</summary>
    public static async ValueTask<(LocalConnection? Connection, LocalReply? Refusal)> OpenAsync(
        string socketPath, LocalIdentity identity, int generation, TimeSpan patience, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), limit.Token).ConfigureAwait(false);
            var connection = new LocalConnection(socket, identity) { Generation = generation };
            await connection._writer.WriteAsync(Encoding.ASCII.GetBytes(identity.ToLine()), limit.Token).ConfigureAwait(false);
            LocalReply? greeting = await connection.ReadReplyAsync(limit.Token).ConfigureAwait(false);
            if (greeting is { Code: 220 })
            {
                connection._replies = connection.ReadRepliesAsync();
                return (connection, null);
            }
            socket.Dispose();
            return (null, greeting ?? LocalReply.Defer(3, 0, "the local delivery process did not start"));
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException)
        {
            socket.Dispose();
            return (null, LocalReply.Defer(3, 0, $"local delivery is not available: {e.Message}"));
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            return (null, LocalReply.Defer(3, 0, "the local delivery process did not answer"));
        }
    }

    /// <summary>Waits for a place among the transactions of a batch; false when the connection is broken or nothing moved in time.</summary>
    public async ValueTask<bool> WaitForRoomAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        IsUsable && await _room.WaitAsync(patience, cancellationToken).ConfigureAwait(false) && IsUsable;

    /// <summary>Waits until all transactions are answered; false when that does not happen in time.</summary>
    public async ValueTask<bool> DrainAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        for (int taken = 0; taken < LocalProtocol.BatchLimit; taken++)
        {
            if (!IsUsable)
                return false;
            if (!await _room.WaitAsync(patience, cancellationToken).ConfigureAwait(false))
                return false;
        }
        _room.Release(LocalProtocol.BatchLimit);
        return IsUsable;
    }

    /// <summary>Sends one transaction; <see cref="WaitForRoomAsync"/> came first. <paramref name="completed"/> is called exactly once, now or later.</summary>
    public async ValueTask SendAsync(LocalTransaction transaction, Action<LocalReply> completed, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BodyBuffer);
        bool pending = false;
        try
        {
            WriteEnvelope(transaction);
            ReadOnlyMemory<byte> trace = transaction.Trace;
            for (long offset = 0; ;)
            {
                int count = await FillAsync(transaction.Body, offset, buffer, cancellationToken).ConfigureAwait(false);
                if (count < 0)
                {
                    _writer.Write("RSET\r\n"u8);
                    await _writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                    _room.Release();
                    completed(LocalReply.Defer(3, 0, "the stored message cannot be read"));
                    return;
                }
                offset += count;
                bool last = offset >= transaction.Body.Length;
                WriteChunk(trace.Span, buffer.AsSpan(0, count), last);
                trace = default;
                if (last)
                {
                    pending = Enqueue(new Pending(completed, null));
                    if (!pending)
                        throw new IOException("closed");
                    await _writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                    return;
                }
                await _writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The peer must not take what follows for the rest of this message.
            Break();
            if (!pending)
                completed(Gone);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Asks for the forward file of this connection's user.</summary>
    public ValueTask<ForwardFile> ReadForwardFileAsync(string detail, CancellationToken cancellationToken) =>
        AskAsync(Encoding.ASCII.GetBytes($"XFORWARD {LocalProtocol.Xtext(detail)}\r\n"), cancellationToken);

    /// <summary>Asks for the forward file as a local(8) action looks for it, or for a file that it includes.</summary>
    public ValueTask<ForwardFile> ReadWishesAsync(LocalEnvelope question, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>(512);
        question.AppendTo(line, "XWISHES "u8);
        return AskAsync(line.WrittenMemory, cancellationToken);
    }

    private async ValueTask<ForwardFile> AskAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<ForwardFile>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!Enqueue(new Pending(null, answer)))
            return new ForwardFile.Unavailable("the local delivery process went away");
        try
        {
            await _writer.WriteAsync(line, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Break();
        }
        return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the connection at once; what is open is answered "deferred".</summary>
    public void Break()
    {
        Volatile.Write(ref _broken, true);
        _stream.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        Break();
        await _replies.ConfigureAwait(false);
        _room.Dispose();
    }

    private void WriteEnvelope(LocalTransaction transaction)
    {
        _writer.Write("MAIL FROM:<"u8);
        LocalProtocol.AppendXtext(_writer, transaction.Sender);
        _writer.Write(">\r\n"u8);
        transaction.Envelope.AppendTo(_writer);
        foreach (LocalEnvelope other in transaction.Others)
            other.AppendTo(_writer);
    }

    private void WriteChunk(ReadOnlySpan<byte> trace, ReadOnlySpan<byte> body, bool last)
    {
        Span<byte> line = _writer.GetSpan(40);
        bool fits = Encoding.ASCII.TryGetBytes(string.Create(CultureInfo.InvariantCulture, $"BDAT {trace.Length + body.Length}{(last ? " LAST" : "")}\r\n"), line, out int written);
        System.Diagnostics.Debug.Assert(fits);
        _writer.Advance(written);
        _writer.Write(trace);
        _writer.Write(body);
    }

    /// <summary>Fills the buffer as far as the body goes; -1 where the body is damaged or shorter than it says.</summary>
    private static async ValueTask<int> FillAsync(Spool.SpoolBody body, long offset, byte[] buffer, CancellationToken cancellationToken)
    {
        int wanted = (int)Math.Min(buffer.Length, body.Length - offset), filled = 0;
        try
        {
            while (filled < wanted)
            {
                int count = await body.ReadAsync(offset + filled, buffer.AsMemory(filled, wanted - filled), cancellationToken).ConfigureAwait(false);
                if (count <= 0)
                    return -1;
                filled += count;
            }
        }
        catch (InvalidDataException)
        {
            return -1;
        }
        return filled;
    }

    /// <summary>False when no reply will come any more.</summary>
    private bool Enqueue(Pending pending)
    {
        lock (_open)
        {
            if (!_closed)
                _open.Enqueue(pending);
            return !_closed;
        }
    }

    private async Task ReadRepliesAsync()
    {
        try
        {
            while (await ReadReplyAsync(CancellationToken.None).ConfigureAwait(false) is { } reply)
            {
                Pending? pending;
                lock (_open)
                    _open.TryDequeue(out pending);
                if (pending is null)
                    break;
                if (pending.Forward is { } forward)
                    forward.SetResult(await ToForwardFileAsync(reply).ConfigureAwait(false));
                else
                {
                    pending.Completed!(reply);
                    _room.Release();
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidDataException or InvalidOperationException)
        {
            // The same as the end of the connection: below.
        }
        Break();
        CloseQueue();
    }

    private void CloseQueue()
    {
        Pending[] left;
        lock (_open)
        {
            _closed = true;
            left = [.. _open];
            _open.Clear();
        }
        foreach (Pending pending in left)
        {
            pending.Completed?.Invoke(Gone);
            pending.Forward?.TrySetResult(new ForwardFile.Unavailable(Gone.Text));
        }
        // Whoever waits for room sees that there is no connection any more.
        _room.Release(LocalProtocol.BatchLimit);
    }

    private async ValueTask<ForwardFile> ToForwardFileAsync(LocalReply reply)
    {
        switch (reply.Code)
        {
            case 252:
                return ForwardFile.None.Instance;
            case 250 when int.TryParse(reply.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= ForwardFile.MaximumSize:
                ReadResult result = await _reader.ReadAtLeastAsync(length).ConfigureAwait(false);
                if (result.Buffer.Length < length)
                    throw new InvalidDataException("a forward file was cut short");
                string text = Encoding.UTF8.GetString(result.Buffer.Slice(0, length));
                _reader.AdvanceTo(result.Buffer.GetPosition(length));
                return new ForwardFile.Text(text);
            case >= 500:
                return new ForwardFile.Unsafe(reply.Text);
            default:
                return new ForwardFile.Unavailable(reply.Text);
        }
    }

    /// <summary>The next reply; null at the end of the connection.</summary>
    private async ValueTask<LocalReply?> ReadReplyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                LocalReply? reply = ParseLine(result.Buffer.Slice(0, end));
                _reader.AdvanceTo(result.Buffer.GetPosition(1, end));
                return reply ?? throw new InvalidDataException("no reply");
            }
            _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted || result.Buffer.Length > LocalProtocol.MaximumLine)
                return null;
        }
    }

    private static LocalReply? ParseLine(ReadOnlySequence<byte> line)
    {
        ReadOnlySpan<byte> octets = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        octets = octets.TrimEnd((byte)'\r');
        return octets.SequenceEqual("250 2.0.0 Delivered"u8) ? LocalReply.Delivered : LocalReply.Parse(octets);
    }
}
