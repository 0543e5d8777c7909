using System.Collections.Immutable;

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
public enum PasswordNeeds : byte
{
    VerifiedTls, Tls, Nothing,

    /// <summary>A password never goes out as it is, only what proves it.</summary>
    Never,
}

/// <summary>
/// Where the logins for next hops are. A row's value is <c>user:password</c>. OAuth2 has its place here, as a second kind of secret beside the password.
/// </summary>
public sealed record RelayCredentials(string Table)
{
    public CredentialKey Key { get; init; }
    public PasswordNeeds Password { get; init; }

    /// <summary>Further tables, asked when the first has no answer.</summary>
    public ImmutableArray<string> MoreTables { get; init; } = [];

    /// <summary>Mechanisms that may be used, in capitals; empty means all (<c>smtp_sasl_mechanism_filter</c>).</summary>
    public ImmutableArray<string> Mechanisms { get; init; } = [];
}
