namespace Estafette.Config.Model;

/// <summary>What a row of a credentials table is found by.</summary>
public enum CredentialKey : byte
{
    /// <summary>The label of the host's URL. A host without one gets no login; a label without a row keeps the mail waiting.</summary>
    Label,

    /// <summary>The next hop: <c>[host]:port</c>, <c>host:port</c>, <c>host</c>, the recipient's domain. No row, no login.</summary>
    Host,

    /// <summary>The sender's address, then <c>@domain</c>, then as <see cref="Host"/>. Connections are never shared between senders.</summary>
    Sender,
}

/// <summary>What must protect a connection before a password goes over it as it is (PLAIN, LOGIN).</summary>
public enum PasswordNeeds : byte { VerifiedTls, Tls, Nothing }

/// <summary>
/// Where the logins for next hops are. A row's value is <c>user:password</c>. OAuth2 has its place here, as a second kind of secret beside the password.
/// </summary>
public sealed record RelayCredentials(string Table)
{
    public CredentialKey Key { get; init; }
    public PasswordNeeds Password { get; init; }
}
