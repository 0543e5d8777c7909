using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Estafette.Dns;

namespace Estafette.Tests.Dns;

/// <summary>A hand-driven name server on loopback: each question is given to the script, which says the exact octets that go back.</summary>
internal sealed class FakeNameServer : IDisposable
{
    private const int Attempts = 50;
    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;
    private readonly CancellationTokenSource _stop = new();

    public FakeNameServer(Func<Question, IEnumerable<byte[]>> udp, Func<Question, byte[]?>? tcp = null)
    {
        (_udp, _tcp) = Bind();
        _ = ServeUdpAsync(udp);
        _ = ServeTcpAsync(tcp ?? (_ => null));
    }

    /// <summary>A port that is free for UDP may be taken for TCP: then another one is tried.</summary>
    private static (UdpClient Udp, TcpListener Tcp) Bind()
    {
        for (int attempt = 1; ; attempt++)
        {
            var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
            var tcp = new TcpListener(IPAddress.Loopback, ((IPEndPoint)udp.Client.LocalEndPoint!).Port);
            try
            {
                tcp.Start();
                return (udp, tcp);
            }
            catch (SocketException) when (attempt < Attempts)
            {
                udp.Dispose();
            }
        }
    }

    public sealed record Question(byte[] Message, string Name, DnsRecordType Type, bool Tcp)
    {
        /// <summary>An answer with this question, code and answer records (already on the wire form); <paramref name="soa"/> adds one with that minimum.</summary>
        public byte[] Answer(int code = 0, uint? soa = null, int flags = 0x8180, params byte[][] answers)
        {
            int questionEnd = 12 + Name.Length + 2 + 4;
            byte[] header = [Message[0], Message[1], (byte)(flags >> 8), (byte)((flags & 0xF0) | code), 0, 1, (byte)(answers.Length >> 8), (byte)answers.Length, 0, (byte)(soa is null ? 0 : 1), 0, 0];
            byte[] authority = soa is { } minimum ? Record("", DnsRecordType.Soa, 3600, [0, 0, .. new byte[16], .. Number(minimum)]) : [];
            return [.. header, .. Message[12..questionEnd], .. answers.SelectMany(a => a), .. authority];
        }
    }

    public IPEndPoint EndPoint => (IPEndPoint)_udp.Client.LocalEndPoint!;

    public ConcurrentQueue<Question> Asked { get; } = new();

    public static byte[] Name(string name)
    {
        byte[] wire = new byte[256];
        Assert.True(DnsName.TryEncode(name, wire, out int length));
        return wire[..length];
    }

    public static byte[] Record(string name, DnsRecordType type, uint ttl, byte[] data) =>
        [.. Name(name), 0, (byte)type, 0, 1, .. Number(ttl), (byte)(data.Length >> 8), (byte)data.Length, .. data];

    public static byte[] A(string name, string address, uint ttl = 60) => Record(name, DnsRecordType.A, ttl, IPAddress.Parse(address).GetAddressBytes());

    public static byte[] Cname(string name, string target, uint ttl = 60) => Record(name, DnsRecordType.Cname, ttl, Name(target));

    public static byte[] Mx(string name, int preference, string exchange, uint ttl = 60) => Record(name, DnsRecordType.Mx, ttl, [0, (byte)preference, .. Name(exchange)]);

    public void Dispose()
    {
        _stop.Cancel();
        _udp.Dispose();
        _tcp.Dispose();
        _stop.Dispose();
    }

    private static byte[] Number(uint value)
    {
        byte[] octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return octets;
    }

    private async Task ServeUdpAsync(Func<Question, IEnumerable<byte[]>> script)
    {
        try
        {
            while (true)
            {
                UdpReceiveResult received = await _udp.ReceiveAsync(_stop.Token);
                foreach (byte[] reply in script(Note(received.Buffer, false)))
                    await _udp.SendAsync(reply, received.RemoteEndPoint, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync(Func<Question, byte[]?> script)
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _tcp.AcceptTcpClientAsync(_stop.Token);
                NetworkStream stream = client.GetStream();
                byte[] length = new byte[2];
                await stream.ReadExactlyAsync(length, _stop.Token);
                byte[] message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(message, _stop.Token);
                if (script(Note(message, true)) is { } reply)
                    await stream.WriteAsync((byte[])[(byte)(reply.Length >> 8), (byte)reply.Length, .. reply], _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or IOException)
        {
            // The test is over.
        }
    }

    private Question Note(byte[] message, bool tcp)
    {
        int at = 12;
        Assert.True(DnsName.TryRead(message, ref at, out string name));
        var question = new Question(message, name, (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at)), tcp);
        Asked.Enqueue(question);
        return question;
    }
}
