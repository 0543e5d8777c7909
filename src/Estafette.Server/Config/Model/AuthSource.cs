namespace Estafette.Config.Model;

/// <summary>Who says whether a login is right.</summary>
public abstract record AuthSource
{
    private AuthSource() { }

    /// <summary>A table of this configuration: the login and the stored form of its password.</summary>
    public sealed record Table(string Name) : AuthSource;

    /// <summary>The users of the system, through PAM in the privileged process.</summary>
    /// <param name="Service">The PAM service, the name of a file in <c>/etc/pam.d</c>.</param>
    public sealed record SystemUsers(string Service) : AuthSource
    {
        public const string DefaultService = "smtpd";

        public static SystemUsers Default { get; } = new(DefaultService);
    }

    /// <summary>Dovecot's auth service, on a Unix socket of its client protocol.</summary>
    public sealed record Dovecot(string SocketPath) : AuthSource;
}
