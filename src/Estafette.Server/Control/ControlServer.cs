using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Estafette.Events;

namespace Estafette.Control;

/// <summary>
/// The admin socket. The kernel says who asks: root and the daemon's own user may operate, everybody else gets a refusal in words. One request
/// a connection; requests and connections are bounded, and a broken one costs its own connection only (E13).
/// </summary>
public sealed partial class ControlServer : IAsyncDisposable
{
    private const int MaximumConnections = 32;
    private static readonly TimeSpan s_requestTime = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly ControlCommands _commands;
    private readonly EventSink _events;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MaximumConnections);
    private readonly uint _ownUser = EffectiveUser();
    private readonly Task _accepting;

    /// <summary>Listens at <paramref name="path"/>, which must not exist; everybody may connect, so that everybody gets an answer.</summary>
    public ControlServer(string path, ControlCommands commands, EventSink events)
    {
        _commands = commands;
        _events = events;
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        _socket.Listen(MaximumConnections);
        _accepting = AcceptAsync();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _room.WaitAsync(_stop.Token);
                Socket client = await _socket.AcceptAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            using (client)
            {
                await using var stream = new NetworkStream(client);
                await AnswerAsync(client, stream);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The asker went away, or asked too slowly.
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _events.Publish(new OperatorWarning("control", $"a request failed: {e.GetType().Name}: {e.Message}") { At = _events.Now });
        }
        finally
        {
            _room.Release();
        }
    }

    private async Task AnswerAsync(Socket client, NetworkStream stream)
    {
        ControlRequest? request = await ReadAsync(stream);
        if (request is null)
        {
            await WriteAsync(stream, new ControlRow { Done = new ControlEnd("this is no request of this program's version", 0) });
            return;
        }
        uint user = PeerUser(client);
        if (user != 0 && user != _ownUser)
        {
            await WriteAsync(stream, new ControlRow { Done = new ControlEnd($"only root and the mail server's own user may do that (you are uid {user})", 0) });
            return;
        }
        ControlEnd end = await _commands.RunAsync(request, row => WriteAsync(stream, row), _stop.Token);
        await WriteAsync(stream, new ControlRow { Done = end });
    }

    private async Task<ControlRequest?> ReadAsync(NetworkStream stream)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(s_requestTime);
        byte[] line = new byte[ControlRequest.MaximumLength];
        int length = 0;
        while (length < line.Length)
        {
            int read = await stream.ReadAsync(line.AsMemory(length), limit.Token);
            if (read == 0)
                return null;
            int end = line.AsSpan(length, read).IndexOf((byte)'\n');
            length += read;
            if (end < 0)
                continue;
            try
            {
                return JsonSerializer.Deserialize(line.AsSpan(0, length - read + end), ControlJson.Default.ControlRequest);
            }
            catch (JsonException)
            {
                return null;
            }
        }
        return null;
    }

    private static async ValueTask WriteAsync(NetworkStream stream, ControlRow row)
    {
        byte[] line = JsonSerializer.SerializeToUtf8Bytes(row, ControlJson.Default.ControlRow);
        Array.Resize(ref line, line.Length + 1);
        line[^1] = (byte)'\n';
        await stream.WriteAsync(line);
    }

    /// <summary>struct ucred by SO_PEERCRED: process, user, group.</summary>
    private static uint PeerUser(Socket client)
    {
        const int level = 1;
        const int peerCredentials = 17;
        Span<byte> credentials = stackalloc byte[12];
        client.GetRawSocketOption(level, peerCredentials, credentials);
        return MemoryMarshal.Read<uint>(credentials[4..]);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _accepting;
    }
}
