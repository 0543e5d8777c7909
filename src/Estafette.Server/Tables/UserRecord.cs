using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Estafette.Tables;

/// <summary>A user that mail can be delivered to, of the system or of a user table.</summary>
public sealed record UserRecord(string Name, uint Uid, uint Gid, string Home, string Gecos = "", string Shell = "")
{
    /// <summary>Reads a user table's value, <c>uid:gid:home</c>.</summary>
    public static bool TryParse(string name, string value, [NotNullWhen(true)] out UserRecord? user)
    {
        user = null;
        string[] parts = value.Split(':', 3);
        if (parts.Length != 3 || !TryId(parts[0], out uint uid) || !TryId(parts[1], out uint gid))
            return false;
        user = new UserRecord(name, uid, gid, parts[2].Trim());
        return true;
    }

    /// <summary>The value that <see cref="TryParse"/> reads.</summary>
    public string ToTableValue() => string.Create(CultureInfo.InvariantCulture, $"{Uid}:{Gid}:{Home}");

    /// <summary>The highest number means "no user" to the system.</summary>
    private static bool TryId(string text, out uint id) =>
        uint.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out id) && id != uint.MaxValue;
}

/// <summary>What a user database says; a database that cannot be asked is never "no such user" (E44).</summary>
public abstract record UserAnswer
{
    private UserAnswer() { }

    public sealed record Found(UserRecord User) : UserAnswer;

    public sealed record NotFound : UserAnswer
    {
        public static NotFound Instance { get; } = new();
    }

    public sealed record Unavailable(string Reason) : UserAnswer;
}

/// <summary>Where users are looked up: the system's database, or a test's.</summary>
public interface IUserDatabase
{
    /// <summary>Asks for a name exactly as given.</summary>
    ValueTask<UserAnswer> FindAsync(string name, CancellationToken cancellationToken);

    ValueTask<UserAnswer> FindAsync(uint uid, CancellationToken cancellationToken);
}
