using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;
using Estafette.Tables;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Estafette.Smtpd;

/// <summary>Finds out who has connected, before a word is said: the socket's peer, what a trusted balancer says of it (E49), the local user, the reverse name.</summary>
internal sealed class ConnectionOpener(ReverseLookup reverse, EventSink events, TimeProvider clock)
{
    /// <summary>A slow name server must not keep clients waiting for the greeting.</summary>
    private static readonly TimeSpan s_reverseLimit = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The limit for those who come within <see cref="s_distrust"/> after somebody waited in vain: a name server that is gone costs one client its seconds, not every one (promise 6).
    /// </summary>
    private static readonly TimeSpan s_reverseLimitWhenSlow = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_distrust = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_proxyLimit = TimeSpan.FromSeconds(10);

    /// <summary>When somebody last waited in vain for a name, by the clock's time stamp; 0 when nobody did lately.</summary>
    private long _waitedInVain;

    /// <summary>Null where the connection is of no use; that has been told.</summary>
    public async ValueTask<ConnectionInfo?> IdentifyAsync(ConnectionContext context, ListenerConfig? listener, SmtpdServices services, SessionTransport transport)
    {
        if (listener is null)
            return Local(PeerUid(context), services);
        ConnectionInfo connection = New(listener, services);
        IPEndPoint? remote = Plain(context.RemoteEndPoint as IPEndPoint);
        if (listener.ProxyProtocol)
        {
            if (!await IsListedAsync(services, listener.ProxySources, remote, otherwise: true))
            {
                events.Publish(new ProtocolAbuse(connection.SessionId, "not among those who may send a PROXY header here") { At = events.Now, Address = remote?.Address });
                return null;
            }
            (bool ok, IPEndPoint? told) = await ReadProxyAsync(transport);
            if (!ok)
            {
                events.Publish(new ProtocolAbuse(connection.SessionId, "no valid PROXY header") { At = events.Now, Address = remote?.Address });
                return null;
            }
            remote = Plain(told) ?? remote;
        }
        return remote is null ? null : connection with { Remote = remote, MendsLineEnds = await IsListedAsync(services, listener.MendedSources, remote, otherwise: false) };
    }

    /// <summary>A table that cannot be asked lists nobody.</summary>
    private static async ValueTask<bool> IsListedAsync(SmtpdServices services, string? table, IPEndPoint? client, bool otherwise)
    {
        if (table is null)
            return otherwise;
        return client is not null && await services.Tables.MatchAsync(table, TableMatch.Network, client.Address.ToString(), CancellationToken.None) is TableAnswer.Found;
    }

    /// <summary>A local submitter whom the kernel named, or the owner of a dropped file.</summary>
    public ConnectionInfo Local(uint? uid, SmtpdServices services) => New(null, services) with { LocalUid = uid };

    private ConnectionInfo New(ListenerConfig? listener, SmtpdServices services) => new()
    {
        SessionId = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        Opened = clock.GetUtcNow(),
        Listener = listener,
        HostName = listener?.HostName ?? services.Config.HostName,
        MendsLineEnds = listener is null,
        FilterName = listener is null ? services.Config.LocalSubmission.Filter : listener.Filter,
    };

    /// <summary>Adds the reverse name, if it comes in time.</summary>
    public async ValueTask<ConnectionInfo> NameAsync(ConnectionInfo connection, CancellationToken cancellationToken)
    {
        if (connection.Remote is null || connection.Listener?.Smtpd is { Dialog.PeerNameLookup: false })
            return connection;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ValueTask<ReverseName> asked = reverse(connection.Remote.Address, limit.Token);
        if (asked.IsCompletedSuccessfully)
            return connection with { Reverse = asked.Result };
        Task<ReverseName> answer = asked.AsTask();
        long vain = Volatile.Read(ref _waitedInVain);
        bool slow = vain != 0 && clock.GetElapsedTime(vain) < s_distrust;
        Task first = await Task.WhenAny(answer, Task.Delay(slow ? s_reverseLimitWhenSlow : s_reverseLimit, clock, limit.Token));
        if (first != answer && !slow)
            Volatile.Write(ref _waitedInVain, clock.GetTimestamp());
        ReverseName name = first == answer && answer.IsCompletedSuccessfully ? answer.Result : new ReverseName { IsUnsure = true };
        await limit.CancelAsync();
        return connection with { Reverse = name };
    }

    private static async ValueTask<(bool Ok, IPEndPoint? Source)> ReadProxyAsync(SessionTransport transport)
    {
        long examined = 0;
        while (true)
        {
            (WaitEnd end, ReadOnlySequence<byte> octets) = await transport.ReadAsync(s_proxyLimit);
            if (end != WaitEnd.None)
                return (false, null);
            ProxyStatus status = ProxyHeader.TryTake(octets, out ProxyHeader header, out SequencePosition next);
            if (status == ProxyStatus.Ok)
            {
                transport.AdvanceTo(next);
                return (true, header.Source);
            }
            // The same octets again: the client has closed its side.
            if (status == ProxyStatus.Invalid || octets.Length == examined)
            {
                transport.AdvanceTo(octets.End);
                return (false, null);
            }
            examined = octets.Length;
            transport.AdvanceTo(octets.Start, octets.End);
        }
    }

    /// <summary>E52: an IPv4 client on an IPv6 socket is an IPv4 client.</summary>
    private static IPEndPoint? Plain(IPEndPoint? remote) =>
        remote is { Address.IsIPv4MappedToIPv6: true } ? new IPEndPoint(remote.Address.MapToIPv4(), remote.Port) : remote;

    private static uint? PeerUid(ConnectionContext context) =>
        context.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.Unix } socket ? LocalPeer.UserOf(socket) : null;
}
