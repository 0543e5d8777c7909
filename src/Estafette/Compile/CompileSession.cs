using System.Net.Sockets;
using System.Text;
using Estafette.Mail;

namespace Estafette.Program.Compile;

/// <summary>The daemon's end of one run of the compile step (<see cref="CompileProtocol"/>). Until it is committed nothing has changed; a session that is dropped changes nothing.</summary>
internal sealed class CompileSession : IAsyncDisposable
{
    /// <summary>How long a compile step that was put off is asked for again.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Octets of a line of the other side.</summary>
    private const int MaximumLine = 1024;

    private readonly Stream _stream;

    private CompileSession(Stream stream, Handover handover) => (_stream, Handover) = (stream, handover);

    public Handover Handover { get; }

    /// <summary>Asks the privileged side for the compile step; the problem tells why there is none.</summary>
    public static async Task<(CompileSession? Session, string Problem)> OpenAsync(string socketPath, string request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CompileProtocol.MaximumRun);
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                (CompileSession? session, LocalReply? refusal) = await TryAsync(socketPath, request, limit.Token);
                if (session is not null)
                    return (session, "");
                if (refusal is not { Code: < 500 } || TimeProvider.System.GetElapsedTime(start) > s_patience)
                    return (null, "root's part of it cannot be done: " + (refusal?.Text ?? "the privileged process gave no answer"));
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
            {
                return (null, $"root's part of it cannot be done: {e.Message} (cure: restart the server)");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return (null, "root's part of it took too long");
            }
            await Task.Delay(CompileProtocol.MinimumPause, cancellationToken);
        }
    }

    private static async Task<(CompileSession? Session, LocalReply? Refusal)> TryAsync(string socketPath, string request, CancellationToken cancellationToken)
    {
        Stream stream = await ConnectAsync(socketPath, cancellationToken);
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request + "\r\n"), cancellationToken);
            string line = await LineAsync(stream, cancellationToken);
            if (line != HandoverCodec.Mark)
            {
                await stream.DisposeAsync();
                return (null, LocalReply.Parse(Encoding.UTF8.GetBytes(line)));
            }
            return (new CompileSession(stream, await HandoverCodec.ReadAsync(stream, cancellationToken)), null);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>A connection to the privileged side. Throws <see cref="SocketException"/>.</summary>
    internal static async Task<Stream> ConnectAsync(string socketPath, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Null when the privileged side goes by it now; else why not.</summary>
    public async Task<string?> CommitAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CompileProtocol.MaximumRun);
        try
        {
            await _stream.WriteAsync(Encoding.ASCII.GetBytes(CompileProtocol.Commit + "\r\n"), limit.Token);
            LocalReply? reply = LocalReply.Parse(Encoding.UTF8.GetBytes(await LineAsync(_stream, limit.Token)));
            return reply is { Code: < 300 } ? null : "root's part of it failed: " + (reply?.Text ?? "no answer");
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return "root's part of it failed: " + e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "root's part of it took too long";
        }
    }

    /// <summary>A line without its end, octet by octet, because what follows is not text; empty at the end of the stream.</summary>
    internal static async Task<string> LineAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] line = new byte[MaximumLine];
        int length = 0;
        while (length < line.Length && await stream.ReadAsync(line.AsMemory(length, 1), cancellationToken) == 1)
        {
            if (line[length] == (byte)'\n')
                return Encoding.UTF8.GetString(line, 0, length).TrimEnd('\r');
            length++;
        }
        return "";
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
