using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Estafette.Control;
using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

/// <summary>Asks the running daemon something over its admin socket. A daemon that is not there, or that refuses this user, is an answer in words.</summary>
internal static class ControlClient
{
    /// <summary>Sends one request; <paramref name="onRow"/> gets each row as it comes. Returns what ended it.</summary>
    public static async Task<ControlEnd> AskAsync(StateFolder state, ControlRequest request, Action<ControlRow> onRow, CancellationToken cancellationToken = default)
    {
        try
        {
            using Socket socket = await ConnectAsync(state, cancellationToken);
            return await ExchangeAsync(socket, request, onRow, cancellationToken);
        }
        catch (SocketException e)
        {
            return new ControlEnd($"no daemon answers at {state.ControlSocket} ({(File.Exists(state.ControlSocket) ? e.Message : "there is no such socket")}); is 'estafette run' running, and is it this state folder (ESTAFETTE_STATE)?", 0);
        }
    }

    /// <summary>The same, and null where no daemon runs; <paramref name="onDown"/> gets the reason.</summary>
    public static async Task<ControlEnd?> TryAskAsync(StateFolder state, ControlRequest request, Action<ControlRow> onRow, Action<string> onDown, CancellationToken cancellationToken = default)
    {
        try
        {
            using Socket socket = await ConnectAsync(state, cancellationToken);
            return await ExchangeAsync(socket, request, onRow, cancellationToken);
        }
        catch (SocketException e)
        {
            onDown(e.Message);
            return null;
        }
    }

    /// <summary>The process id of the daemon, which the kernel knows as that of the socket's owner; null where none runs.</summary>
    public static async Task<int?> DaemonAsync(StateFolder state)
    {
        try
        {
            using Socket socket = await ConnectAsync(state, CancellationToken.None);
            return Smtpd.LocalPeer.ProcessOf(socket);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static async Task<Socket> ConnectAsync(StateFolder state, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(state.ControlSocket), cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<ControlEnd> ExchangeAsync(Socket socket, ControlRequest request, Action<ControlRow> onRow, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = new NetworkStream(socket);
            byte[] line = JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest);
            await stream.WriteAsync(line, cancellationToken);
            await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            while (await reader.ReadLineAsync(cancellationToken) is string answer)
            {
                ControlRow? row = JsonSerializer.Deserialize(answer, ControlJson.Default.ControlRow);
                if (row?.Done is ControlEnd end)
                    return end;
                if (row is not null)
                    onRow(row);
            }
            return new ControlEnd("the daemon closed the connection before its answer ended", 0);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return new ControlEnd(e.Message, 0);
        }
    }
}
