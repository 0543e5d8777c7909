using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// Asks the privileged side whether a user of the system has this password. A few connections to its helpers are kept warm, because one takes some ten milliseconds
/// to start; a helper that has left meanwhile is replaced once. Whatever goes wrong is the answer 454 with its reason (E44).
/// </summary>
public sealed class LocalLogins(string socketPath) : IDisposable
{
    /// <summary>Kept between questions; the privileged side allows a few more.</summary>
    private const int MaximumIdle = 4;

    /// <summary>Longest wait for one answer: modules that ask over a network have their own, shorter ones.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(45);

    private readonly Lock _lock = new();
    private readonly Stack<(string Service, Socket Socket)> _idle = new();
    private bool _disposed;

    public async ValueTask<LocalReply> CheckAsync(string service, string login, ReadOnlyMemory<byte> password, string remoteHost, CancellationToken cancellationToken)
    {
        byte[]? line = LoginQuestion.ToLine(login, password.Span, remoteHost);
        if (line is null)
            return LoginQuestion.Wrong;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            while (TakeIdle(service) is { } warm)
            {
                if (await AskAsync(warm, line, limit.Token) is { } answer)
                    return Keep(service, warm, answer);
            }
            Socket socket = await ConnectAsync(limit.Token);
            LocalReply? greeting = await AskAsync(socket, Encoding.ASCII.GetBytes(new LocalIdentity(LocalIdentityKind.Login, service).ToLine()), limit.Token);
            if (greeting is { Code: 220 } && await AskAsync(socket, line, limit.Token) is { } reply)
                return Keep(service, socket, reply);
            socket.Dispose();
            return LoginQuestion.Unavailable(greeting is null or { Code: 220 } ? "the login process went away" : greeting.Text);
        }
        catch (Exception e) when (e is SocketException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return LoginQuestion.Unavailable(e is OperationCanceledException ? "the login process did not answer" : $"the login process is not available: {e.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(line);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach ((_, Socket socket) in _idle)
                socket.Dispose();
            _idle.Clear();
        }
    }

    private LocalReply Keep(string service, Socket socket, LocalReply answer)
    {
        lock (_lock)
        {
            if (!_disposed && _idle.Count < MaximumIdle)
                _idle.Push((service, socket));
            else
                socket.Dispose();
        }
        return answer;
    }

    /// <summary>A connection to a helper of this service; one of another service is given up, so that a reload leaves none behind.</summary>
    private Socket? TakeIdle(string service)
    {
        lock (_lock)
        {
            while (_idle.TryPop(out (string Service, Socket Socket) idle))
            {
                if (idle.Service == service)
                    return idle.Socket;
                idle.Socket.Dispose();
            }
        }
        return null;
    }

    private async ValueTask<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Null, and the socket closed, where the helper had left.</summary>
    private static async ValueTask<LocalReply?> AskAsync(Socket socket, byte[] line, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(socket, line, cancellationToken);
            if (await ReadReplyAsync(socket, cancellationToken) is { } reply)
                return reply;
        }
        catch (SocketException)
        {
            // It left between two questions.
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
        socket.Dispose();
        return null;
    }

    private static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        while (!octets.IsEmpty)
            octets = octets[await socket.SendAsync(octets, SocketFlags.None, cancellationToken)..];
    }

    private static async ValueTask<LocalReply?> ReadReplyAsync(Socket socket, CancellationToken cancellationToken)
    {
        byte[] line = new byte[LocalProtocol.MaximumLine];
        int length = 0;
        while (length < line.Length)
        {
            int count = await socket.ReceiveAsync(line.AsMemory(length), SocketFlags.None, cancellationToken);
            if (count == 0)
                return null;
            length += count;
            if (line[length - 1] == (byte)'\n')
                return LocalReply.Parse(line.AsSpan(0, length).TrimEnd("\r\n"u8));
        }
        return null;
    }
}
