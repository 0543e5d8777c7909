using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>The SASL mechanisms that this server speaks itself, by their registered names. Those of Dovecot are its own affair.</summary>
public static class AuthMechanism
{
    public const string Plain = "PLAIN";
    public const string Login = "LOGIN";
    public const string Scram = "SCRAM-SHA-256";
    public const string ScramPlus = "SCRAM-SHA-256-PLUS";

    /// <summary>PAM must see the password.</summary>
    public static ImmutableArray<string> OfSystemUsers { get; } = [Plain, Login];

    public static ImmutableArray<string> OfTables { get; } = [Plain, Login, Scram, ScramPlus];
}
