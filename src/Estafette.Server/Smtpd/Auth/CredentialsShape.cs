using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>What a credentials table is like, found out once for each state of its file. Shows nothing of its rows (E54).</summary>
internal sealed record CredentialsShape
{
    /// <summary>Those that are not locked (<c>!</c> or <c>*</c> in front).</summary>
    public int Rows { get; init; }

    /// <summary>Rows that are SCRAM verifiers.</summary>
    public int Verifiers { get; init; }

    /// <summary>Rows that no password could ever fit: mostly passwords in clear.</summary>
    public int Unusable { get; init; }

    /// <summary>A row of the kind that most others are, for logins that do not exist.</summary>
    public required string Model { get; init; }

    public bool IsAllScram => Rows > 0 && Verifiers == Rows;

    public static CredentialsShape Of(IEnumerable<KeyValuePair<string, string>> rows)
    {
        int all = 0, verifiers = 0, unusable = 0;
        string? scram = null, crypt = null;
        foreach ((_, string stored) in rows)
        {
            // Locked on purpose: not one of those that must be able to log in.
            if (stored.StartsWith('!') || stored.StartsWith('*'))
                continue;
            all++;
            if (ScramVerifier.TryParse(stored, out _))
            {
                verifiers++;
                scram ??= stored;
            }
            else if (StoredPassword.LooksHashed(stored))
                crypt ??= stored;
            else
                unusable++;
        }
        string? model = verifiers * 2 >= all ? scram ?? crypt : crypt ?? scram;
        return new CredentialsShape { Rows = all, Verifiers = verifiers, Unusable = unusable, Model = model ?? StoredPassword.Nobodys };
    }

    public override string ToString() => "shape of a credentials table";
}
