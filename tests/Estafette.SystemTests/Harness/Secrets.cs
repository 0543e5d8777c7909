using System.Security.Cryptography;

namespace Estafette.SystemTests.Harness;

/// <summary>
/// Passwords and logins that can be found again: each is new, and each holds a marker that nothing else in the world has. <see cref="SecretSearch"/> looks for the
/// marker of passwords in every form, and for that of logins in the form that only a SASL message gives it (a login itself may be told).
/// </summary>
internal static class Secrets
{
    public const string PasswordMarker = "vQ7kWxP3zRtJ";
    public const string LoginMarker = "nb5dyhg8clsf";

    /// <summary>With characters that tables, URLs and shells stumble over.</summary>
    public static string Password() => RandomNumberGenerator.GetHexString(6) + ":%" + PasswordMarker + "+" + RandomNumberGenerator.GetHexString(8);

    /// <summary>In small letters: Dovecot makes them so.</summary>
    public static string Login() => "u" + RandomNumberGenerator.GetHexString(4, lowercase: true) + LoginMarker + "@provider.test";
}
