using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Dns;

/// <summary>The outcome of asking one server: a response, or why there is none.</summary>
internal readonly record struct DnsReply(DnsResponse? Response, string Problem);

/// <summary>
/// One question to one server: UDP from a fresh port, TCP when the answer was cut (RFC 7766). Datagrams that do not answer the question are
/// passed over until the time is up, so that a forger gains nothing by sending early (RFC 5452 s9).
/// </summary>
internal sealed class DnsExchange(TimeProvider clock)
{
    /// <summary>Datagrams that were no answer, before the server is given up.</summary>
    private const int MaximumStrays = 100;
    private const int DatagramBuffer = 4096;

    public async Task<DnsReply> AskAsync(IPEndPoint server, DnsQuestion question, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(timeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            DnsReply reply = await AskUdpAsync(server, question, true, both.Token);
            // A server from before EDNS (RFC 6891 s7).
            if (reply.Response is { Code: DnsResponseCode.FormatError or DnsResponseCode.NotImplemented or DnsResponseCode.BadVersion })
                reply = await AskUdpAsync(server, question, false, both.Token);
            return reply.Response is { IsTruncated: true } ? await AskTcpAsync(server, question, both.Token) : reply;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new DnsReply(null, $"{server} did not answer in time");
        }
        catch (SocketException e)
        {
            return new DnsReply(null, $"{server}: {e.SocketErrorCode}");
        }
    }

    private static async Task<DnsReply> AskUdpAsync(IPEndPoint server, DnsQuestion question, bool edns, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DatagramBuffer);
        try
        {
            // The system picks the port at random; a connected socket takes datagrams from the server alone.
            using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(server, cancellationToken);
            await socket.SendAsync(buffer.AsMemory(0, question.Write(buffer, edns)), cancellationToken);
            for (int strays = 0; strays < MaximumStrays; strays++)
            {
                int length = await socket.ReceiveAsync(buffer, cancellationToken);
                if (DnsResponse.TryParse(buffer.AsSpan(0, length), out DnsResponse response) && question.IsAnsweredBy(response))
                    return new DnsReply(response, "");
            }
            return new DnsReply(null, $"{server} sent nonsense");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<DnsReply> AskTcpAsync(IPEndPoint server, DnsQuestion question, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(server, cancellationToken);
            int written = question.Write(buffer.AsSpan(2), true);
            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)written);
            await socket.SendAsync(buffer.AsMemory(0, written + 2), cancellationToken);
            if (!await ReadAsync(socket, buffer.AsMemory(0, 2), cancellationToken))
                return new DnsReply(null, $"{server} closed the connection");
            int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
            if (!await ReadAsync(socket, buffer.AsMemory(0, length), cancellationToken))
                return new DnsReply(null, $"{server} closed the connection");
            return DnsResponse.TryParse(buffer.AsSpan(0, length), out DnsResponse response) && question.IsAnsweredBy(response) && !response.IsTruncated
                ? new DnsReply(response, "") : new DnsReply(null, $"{server} sent nonsense");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<bool> ReadAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int read = await socket.ReceiveAsync(buffer, cancellationToken);
            if (read == 0)
                return false;
            buffer = buffer[read..];
        }
        return true;
    }
}
