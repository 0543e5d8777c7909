using System.Net;
using System.Net.Sockets;
using Estafette.Smtpd;

namespace Estafette.Tests.Smtpd;

public sealed class BoundListenerTests
{
    [Fact]
    public void A_port_that_another_server_listens_on_is_refused()
    {
        BoundListener first = BoundListener.Network(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket socket = first.Socket;
        socket.Listen();
        var refused = Assert.Throws<SocketException>(() => BoundListener.Network(first.Address!));
        Assert.Equal(SocketError.AddressAlreadyInUse, refused.SocketErrorCode);
    }
}
