namespace Estafette.Smtpd;

/// <summary>What a session has learned since it began or since TLS started: STARTTLS makes a new one, so that nothing said in the clear survives (E5, RFC 3207 s4.2).</summary>
internal sealed class SessionState(TlsInfo? tls)
{
    public TlsInfo? Tls { get; } = tls;

    /// <summary>Empty before HELO or EHLO.</summary>
    public string Helo { get; set; } = "";
    public bool Esmtp { get; set; }

    /// <summary>The authenticated login; null when none.</summary>
    public string? Login { get; set; }

    /// <summary>The SASL mechanism of the login.</summary>
    public string? Mechanism { get; set; }

    /// <summary>Marked by a filter: every message of the session is junk.</summary>
    public bool Junk { get; set; }
}

/// <summary>Counts over the whole connection, TLS or not.</summary>
internal sealed class SessionCounts
{
    public int Messages { get; set; }
    public int Errors { get; set; }

    /// <summary>Since the last message (E47).</summary>
    public int JunkCommands { get; set; }
    public int AuthFailures { get; set; }

    /// <summary>What the client says that is no command may be the rest of a login (E54).</summary>
    public bool SaidAuth { get; set; }

    public CommandTally Commands { get; } = new();
}
