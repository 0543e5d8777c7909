using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Estafette.Events;

namespace Estafette.Control;

/// <summary>
/// The admin socket. The kernel says who asks: root and the daemon's own user may operate, others what <see cref="ControlAccess"/> permits them, and else get a refusal in words. One request
/// a connection; requests and connections are bounded, and a broken one costs its own connection only (E13).
/// </summary>
public sealed class ControlServer : IAsyncDisposable
{
    private const int MaximumConnections = 32;

    /// <summary>Connections of users who may do nothing but be told so; they must not stand in the operator's way.</summary>
    private const int MaximumStrangers = 8;
    private static readonly TimeSpan s_requestTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_acceptPause = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly ControlCommands _commands;
    private readonly EventSink _events;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MaximumConnections);
    private readonly SemaphoreSlim _strangers = new(MaximumStrangers);
    private readonly ControlAccess _access;
    private readonly Task _accepting;

    /// <summary>Listens at <paramref name="path"/>, which must not exist; everybody may connect, so that everybody gets an answer.</summary>
    public ControlServer(string path, ControlCommands commands, ControlAccess access, EventSink events)
    {
        _access = access;
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
                if (await AcceptOneAsync() is { } client)
                    await AdmitAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The server stops.
        }
    }

    /// <summary>Null after a failure, for example without free descriptors: the socket must still answer when that is over.</summary>
    private async Task<Socket?> AcceptOneAsync()
    {
        try
        {
            return await _socket.AcceptAsync(_stop.Token);
        }
        catch (SocketException) when (!_stop.IsCancellationRequested)
        {
            await Task.Delay(s_acceptPause, _stop.Token);
            return null;
        }
    }

    private async Task AdmitAsync(Socket client)
    {
        uint? user = _access.UserOf(client);
        SemaphoreSlim room = _access.MayOperate(user) ? _room : _strangers;
        if (room == _strangers && !await room.WaitAsync(0, _stop.Token))
        {
            client.Dispose();
            return;
        }
        if (room == _room)
            await room.WaitAsync(_stop.Token);
        _ = ServeAsync(client, user, room);
    }

    private async Task ServeAsync(Socket client, uint? user, SemaphoreSlim room)
    {
        try
        {
            using (client)
            {
                await using var stream = new NetworkStream(client);
                await AnswerAsync(stream, user);
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
            room.Release();
        }
    }

    private async Task AnswerAsync(NetworkStream stream, uint? user)
    {
        using var answer = new AnswerStream(stream, _stop.Token);
        await answer.AddAsync(new ControlRow { Done = await EndAsync(await ReadAsync(stream), answer, user) });
        await answer.FlushAsync();
    }

    private async Task<ControlEnd> EndAsync(ControlRequest? request, AnswerStream answer, uint? user)
    {
        if (request is null)
            return new ControlEnd("this is no request of this program's version", 0);
        if (await _access.MayAsync(user, ControlAccess.RightFor(request.Command), _stop.Token))
            return await _commands.RunAsync(request, answer.AddAsync, _stop.Token);
        return new ControlEnd($"only root and the mail server's own user may do that (you are uid {user?.ToString(CultureInfo.InvariantCulture) ?? "unknown"})", 0) { IsDenied = true };
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

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _accepting;
    }
}
