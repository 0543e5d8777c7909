using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>A connection that has been greeted, encrypted and logged in as asked: ready for transactions.</summary>
internal sealed class RelaySession(SmtpConnection connection, RelayEndPoint endPoint, EhloCapabilities capabilities) : IAsyncDisposable
{
    private ServerReply? _thanks;
    private DeliveryOutcome? _relayed;

    public SmtpConnection Connection => connection;
    public RelayEndPoint EndPoint => endPoint;
    public EhloCapabilities Capabilities => capabilities;
    public bool IsLmtp => endPoint.Protocol == RelayProtocol.Lmtp;

    /// <summary>Messages this connection has carried.</summary>
    public int Messages { get; set; }

    /// <summary>The peer has taken a recipient in this session, so that the next DATA need not wait for the answers.</summary>
    public bool HasTakenRecipient { get; set; }

    /// <summary>A transaction was begun and given up: RSET goes before the next one.</summary>
    public bool NeedsReset { get; set; }

    /// <summary>A transaction that was given up is taken back in so many words before QUIT, too; smtp(8) leaves that to the peer's understanding.</summary>
    public bool ResetsBeforeQuit { get; init; } = true;

    /// <summary>False once the peer said 421 or the connection failed.</summary>
    public bool IsUsable { get; set; } = true;

    /// <summary>Sends QUIT if that still makes sense, waits a moment for the answer, closes.</summary>
    public async ValueTask QuitAsync(TimeSpan wait)
    {
        if (IsUsable && connection.Failure is null)
        {
            if (NeedsReset && ResetsBeforeQuit)
                CommandWriter.Line(connection.Output, "RSET");
            CommandWriter.Line(connection.Output, "QUIT");
            if (await connection.FlushAsync(wait))
                await connection.ReadReplyAsync(wait);
        }
        await DisposeAsync();
    }

    /// <summary>The outcome that the last reply means.</summary>
    public DeliveryOutcome OutcomeOfReply(OutcomeScope scope)
    {
        ServerReply reply = connection.Reply;
        if (!reply.IsPositive)
            return PeerOutcome.Of(reply, endPoint, scope);
        // A busy peer gives the same thanks for every message: one object tells them all.
        if (!ReferenceEquals(reply, _thanks))
        {
            _thanks = reply;
            _relayed = new DeliveryOutcome
            {
                Kind = OutcomeKind.Relayed,
                Status = reply.Status,
                Text = reply.Text,
                ReplyCode = reply.Code,
                Peer = endPoint.Label,
                RemoteMta = endPoint.Host,
                DsnHandedOver = capabilities.Has(EhloKeywords.Dsn) && !IsLmtp,
            };
        }
        return _relayed!;
    }

    /// <summary>The connection failed: what that means for a message it was to carry.</summary>
    public DeliveryOutcome Lost(string when) =>
        PeerOutcome.Deferred(new(4, 4, 2), $"{connection.Failure ?? "lost connection"} with {endPoint.Label} while {when}", endPoint, OutcomeScope.NextHop);

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
