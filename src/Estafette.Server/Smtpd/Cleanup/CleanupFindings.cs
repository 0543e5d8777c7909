namespace Estafette.Smtpd.Cleanup;

/// <summary>Why cleanup does not take a message; the smaller the value, the more it counts.</summary>
internal enum CleanupTrouble : byte
{
    None,

    /// <summary>A check defers it.</summary>
    Deferred,

    /// <summary>Too many Received fields (E31).</summary>
    Hops,

    /// <summary>A check rejects it, or its structure is refused.</summary>
    Content,

    /// <summary>A table cannot be asked now (E44).</summary>
    Unavailable,
}

/// <summary>What the content of a message asked for, beside changes of the content itself.</summary>
internal sealed class CleanupFindings
{
    public CleanupTrouble Trouble { get; private set; }

    /// <summary>Status code and words of a rejection.</summary>
    public string Reason { get; private set; } = "";

    /// <summary><c>transport:nexthop</c>; empty where no check named one.</summary>
    public string Filter { get; set; } = "";

    /// <summary>The only recipient from now on; empty for none.</summary>
    public string Redirect { get; set; } = "";

    /// <summary>Further recipients.</summary>
    public List<string> Copies { get; } = [];
    public bool Hold { get; set; }
    public bool Discard { get; set; }

    public void Fail(CleanupTrouble trouble, string reason = "")
    {
        if (Trouble != CleanupTrouble.None && Trouble <= trouble)
        {
            if (Trouble == trouble && reason.Length > 0)
                Reason = reason;
            return;
        }
        Trouble = trouble;
        Reason = reason;
    }
}
