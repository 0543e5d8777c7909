using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Smtpd;

/// <summary>
/// Counts sessions, in all and per client, so that overload is answered with 421 instead of a dropped connection (E47). An IPv6 client is its /64, a local one its
/// uid; programs on this machine's loopback are counted in all only.
/// </summary>
internal sealed class SessionGate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, int> _clients = [];
    private int _all;

    public int Count
    {
        get
        {
            lock (_lock)
                return _all;
        }
    }

    /// <summary>Counts a session; false where there are too many.</summary>
    public bool TryEnter(LimitsConfig limits)
    {
        lock (_lock)
        {
            if (_all >= limits.Sessions)
                return false;
            _all++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
            _all--;
    }

    /// <summary>Counts a session of one client; false where that client has too many.</summary>
    public bool TryEnter(IPAddress? address, uint? uid, LimitsConfig limits)
    {
        if (KeyOf(address, uid) is not { } client)
            return true;
        lock (_lock)
        {
            int now = _clients.GetValueOrDefault(client);
            if (now >= limits.SessionsPerClient)
                return false;
            _clients[client] = now + 1;
            return true;
        }
    }

    public void Leave(IPAddress? address, uint? uid)
    {
        if (KeyOf(address, uid) is not { } client)
            return;
        lock (_lock)
        {
            int rest = _clients.GetValueOrDefault(client) - 1;
            if (rest > 0)
                _clients[client] = rest;
            else
                _clients.Remove(client);
        }
    }

    private static UInt128? KeyOf(IPAddress? address, uint? uid)
    {
        if (address is null)
            return uid is null or 0 ? null : (UInt128)uid.Value | ((UInt128)1 << 127);
        if (IPAddress.IsLoopback(address))
            return null;
        Span<byte> octets = stackalloc byte[16];
        octets.Clear();
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            address.TryWriteBytes(octets[12..], out _);
            return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(octets) | ((UInt128)1 << 126);
        }
        address.TryWriteBytes(octets, out _);
        octets[8..].Clear();
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(octets);
    }
}
