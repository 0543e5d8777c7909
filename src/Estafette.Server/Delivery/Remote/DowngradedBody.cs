using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

/// <summary>A stored message as a peer without 8BITMIME gets it (E24), converted while it is read. Read from front to end; offset 0 begins anew.</summary>
internal sealed class DowngradedBody(SpoolBody body, DowngradePlan plan, long length) : SpoolBody
{
    private DowngradedMessage? _reader;
    private long _position;

    public override long Length => length;

    public override async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_reader is null || offset == 0)
        {
            _reader?.Dispose();
            _reader = new DowngradedMessage(body.ReadAsync, plan);
            _position = 0;
        }
        if (offset != _position)
            throw new InvalidOperationException("A converted message is read from front to end.");
        int count = await _reader.ReadAsync(buffer, cancellationToken);
        _position += count;
        return count;
    }

    protected override void Dispose(bool disposing) => _reader?.Dispose();
}
