using Estafette.Spool;
using static Estafette.Tests.Spool.SpoolSamples;

namespace Estafette.Tests.Spool;

/// <summary>Promise 3: a body is never held in memory, whichever way it goes.</summary>
[Collection(nameof(Alone))]
public sealed class LargeBodyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("estafette-spool-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task Large_body_streams_with_little_memory()
    {
        const int total = 64 << 20;
        await using LogSpool spool = (await LogSpool.OpenAsync(new LogSpoolOptions { Directory = _directory, SegmentSize = 8 << 20 }, TimeProvider.System, default)).Spool!;
        byte[] piece = Body(32 << 10, 1);
        await using ISpoolWriter writer = spool.Begin();
        await writer.WriteAsync(piece, default);
        long before = GC.GetTotalMemory(true);
        for (int sent = piece.Length; sent < total; sent += piece.Length)
            Assert.Equal(SpoolStatus.Ok, await writer.WriteAsync(piece, default));
        Assert.Equal(SpoolStatus.Ok, await writer.CommitAsync(Envelope(writer.Id), true, null, default));
        using SpoolBody? body = await spool.OpenBodyAsync(writer.Id, default);
        Assert.Equal(total, body!.Length);
        byte[] buffer = new byte[piece.Length];
        for (long offset = 0; offset < total; offset += buffer.Length)
        {
            Assert.Equal(buffer.Length, await body.ReadAsync(offset, buffer, default));
            Assert.True(buffer.AsSpan().SequenceEqual(piece));
        }
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, 8 << 20);
    }
}
