namespace Estafette.Smtpd;

/// <summary>The newest certificates of one configuration: a handshake takes what stands here when it begins, whatever its session began with.</summary>
public sealed class CurrentCertificates(ServerCertificates first)
{
    private volatile ServerCertificates _newest = first;

    public ServerCertificates Newest
    {
        get => _newest;
        set => _newest = value;
    }
}
