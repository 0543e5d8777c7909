using System.Buffers;
using System.Net.Sockets;
using System.Text.Json;

namespace Estafette.Control;

/// <summary>
/// The rows of one answer on their way to who asked: gathered, so that a listing of a million messages is no million system calls, and written with a time limit, so that an
/// asker who does not read costs a connection for a minute only. Throws <see cref="OperationCanceledException"/> when the limit is over.
/// </summary>
internal sealed class AnswerStream(NetworkStream stream, CancellationToken stop) : IDisposable
{
    /// <summary>Octets gathered before they are written.</summary>
    private const int Gathered = 32 << 10;
    private static readonly TimeSpan s_writeTime = TimeSpan.FromMinutes(1);

    private readonly ArrayBufferWriter<byte> _waiting = new(1024);
    private Utf8JsonWriter? _json;

    public ValueTask AddAsync(ControlRow row)
    {
        if (_json is null)
            _json = new Utf8JsonWriter(_waiting);
        else
            _json.Reset();
        JsonSerializer.Serialize(_json, row, ControlJson.Default.ControlRow);
        _waiting.Write("\n"u8);
        return _waiting.WrittenCount < Gathered ? ValueTask.CompletedTask : FlushAsync();
    }

    public async ValueTask FlushAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_writeTime);
        await stream.WriteAsync(_waiting.WrittenMemory, limit.Token);
        _waiting.ResetWrittenCount();
    }

    public void Dispose() => _json?.Dispose();
}
