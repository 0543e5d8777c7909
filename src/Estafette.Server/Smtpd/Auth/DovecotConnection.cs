using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>A mechanism of Dovecot's, with what it says of it: <c>plaintext</c>, <c>private</c>, <c>anonymous</c> and others.</summary>
internal sealed record DovecotMechanism(string Name, ImmutableArray<string> Flags);

/// <summary>What Dovecot says to a request: <c>CONT</c>, <c>OK</c> or <c>FAIL</c>, and the fields behind the number.</summary>
internal sealed record DovecotReply(string Kind, ImmutableArray<string> Fields)
{
    public override string ToString() => Kind;
}

/// <summary>
/// One connection to Dovecot's auth service, as its client protocol (version 1) has it; many requests run on it at once, told apart by numbers. When it breaks, or Dovecot
/// says what nobody understands, everything open on it is answered with null. It is not kept long: a Dovecot that was told to end serves its old clients, with its old
/// configuration, until they leave.
/// </summary>
internal sealed class DovecotConnection : IDisposable
{
    /// <summary>Octets of a line, either way; Dovecot drops a client that sends more.</summary>
    public const int MaximumLine = 8192;

    /// <summary>Exchanges at once.</summary>
    private const int MaximumOpen = 500;

    /// <summary>Without an exchange it is closed.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(10);

    /// <summary>After this no new exchange begins on it.</summary>
    private static readonly TimeSpan s_age = TimeSpan.FromMinutes(1);

    /// <summary>Longest wait for Dovecot to take a line.</summary>
    private static readonly TimeSpan s_write = TimeSpan.FromSeconds(10);

    private const int MaximumMechanisms = 64;

    private readonly Stream _stream;
    private readonly PipeReader _reader;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<DovecotReply?>> _open = new();
    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly ITimer _idle;
    private readonly long _opened;
    private uint _last;
    private int _exchanges;
    private volatile bool _broken;

    private DovecotConnection(Socket socket, TimeProvider clock)
    {
        _clock = clock;
        _opened = clock.GetTimestamp();
        _idle = clock.CreateTimer(_ => CloseIdle(), null, s_idle, Timeout.InfiniteTimeSpan);
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = PipeReader.Create(_stream);
    }

    public ImmutableArray<DovecotMechanism> Mechanisms { get; private set; } = [];
    public bool IsUsable => !_broken && _clock.GetElapsedTime(_opened) < s_age;

    /// <summary>Connects and waits for the greeting's end. Throws IOException or SocketException with the reason.</summary>
    public static async ValueTask<DovecotConnection> OpenAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        DovecotConnection? connection = null;
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            connection = new DovecotConnection(socket, clock);
            // The number must be the client's own among all that are connected.
            string number = RandomNumberGenerator.GetInt32(1, int.MaxValue).ToString(CultureInfo.InvariantCulture);
            await connection._stream.WriteAsync(Encoding.ASCII.GetBytes("VERSION\t1\t1\nCPID\t" + number + "\n"), cancellationToken);
            await connection.GreetAsync(cancellationToken);
            _ = connection.ReadAsync();
            return connection;
        }
        catch
        {
            connection?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The number of a new exchange, which <see cref="End"/> ends; null when too many are open.</summary>
    public uint? Begin()
    {
        lock (_lock)
        {
            if (_exchanges >= MaximumOpen || _broken)
                return null;
            _exchanges++;
            _idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return ++_last;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            if (--_exchanges == 0)
                _idle.Change(IsUsable ? s_idle : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Sends a line about a request and waits for what comes back; null when the connection is gone.</summary>
    public async ValueTask<DovecotReply?> AskAsync(uint request, string line, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<DovecotReply?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _open[request] = answer;
        try
        {
            await SendAsync(line, cancellationToken);
            if (_broken)
                return null;
            return await answer.Task.WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Break();
            return null;
        }
        finally
        {
            _open.TryRemove(request, out _);
        }
    }

    /// <summary>Sends what has no answer.</summary>
    public async ValueTask TellAsync(string line)
    {
        try
        {
            await SendAsync(line, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Break();
        }
    }

    public void Dispose() => Break();

    private async ValueTask SendAsync(string line, CancellationToken cancellationToken)
    {
        byte[] octets = Encoding.UTF8.GetBytes(line);
        await _sending.WaitAsync(cancellationToken);
        try
        {
            // Never half a line: the others' requests follow on the same stream. Who does not read for so long is given up with all of them.
            using var limit = new CancellationTokenSource(s_write, _clock);
            await _stream.WriteAsync(octets, limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new IOException("Dovecot does not read");
        }
        finally
        {
            _sending.Release();
            CryptographicOperations.ZeroMemory(octets);
        }
    }

    private async ValueTask GreetAsync(CancellationToken cancellationToken)
    {
        var mechanisms = ImmutableArray.CreateBuilder<DovecotMechanism>();
        bool versioned = false;
        while (await ReadLineAsync(cancellationToken) is { } fields)
        {
            switch (fields[0])
            {
                case "VERSION":
                    versioned = fields.Length > 1 && fields[1] == "1";
                    if (!versioned)
                        throw new IOException("Dovecot speaks another version of its protocol");
                    break;
                case "MECH" when fields.Length > 1 && mechanisms.Count < MaximumMechanisms:
                    mechanisms.Add(new DovecotMechanism(fields[1].ToUpperInvariant(), fields[2..]));
                    break;
                case "DONE" when versioned:
                    Mechanisms = mechanisms.ToImmutable();
                    return;
            }
        }
        throw new IOException("Dovecot closed the connection in its greeting");
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await ReadLineAsync(CancellationToken.None) is { } fields)
            {
                if (fields[0] is "CONT" or "OK" or "FAIL" && fields.Length > 1 && uint.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint request)
                    && _open.TryGetValue(request, out TaskCompletionSource<DovecotReply?>? answer))
                    answer.TrySetResult(new DovecotReply(fields[0], fields[2..]));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The same as its end.
        }
        Break();
    }

    private async ValueTask<ImmutableArray<string>?> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await _reader.ReadAsync(cancellationToken);
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                ReadOnlySequence<byte> line = result.Buffer.Slice(0, end);
                ImmutableArray<string> fields = DovecotLine.Split(line.IsSingleSegment ? line.FirstSpan : line.ToArray());
                _reader.AdvanceTo(result.Buffer.GetPosition(1, end));
                return fields;
            }
            if (result.IsCompleted || result.Buffer.Length > MaximumLine)
                return null;
            _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private void CloseIdle()
    {
        lock (_lock)
        {
            if (_exchanges == 0)
                Break();
        }
    }

    private void Break()
    {
        _broken = true;
        _idle.Dispose();
        _stream.Dispose();
        foreach (TaskCompletionSource<DovecotReply?> answer in _open.Values)
            answer.TrySetResult(null);
    }
}
