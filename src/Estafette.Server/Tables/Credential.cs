using System.Diagnostics.CodeAnalysis;

namespace Estafette.Tables;

/// <summary>
/// A row of a credentials table. For a relay the value is <c>user:password</c> in clear; for a listener it is the hash, and the name is the
/// key. <see cref="ToString"/> shows no secret (E54).
/// </summary>
public sealed record Credential(string User, string Secret)
{
    /// <summary>Reads a relay's value, or, where it has no colon, a password whose user is the key.</summary>
    public static bool TryParse(string key, string value, [NotNullWhen(true)] out Credential? credential)
    {
        int colon = value.IndexOf(':', StringComparison.Ordinal);
        credential = colon < 0 ? new Credential(key, value) : new Credential(value[..colon], value[(colon + 1)..]);
        if (credential.User.Length > 0 && credential.Secret.Length > 0)
            return true;
        credential = null;
        return false;
    }

    public override string ToString() => User + ":***";
}
