using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>What <c>sendmail -v</c> and <c>-bv</c> ask for beside delivery (sendmail(1) of Postfix).</summary>
public enum SendmailReport : byte
{
    None,

    /// <summary><c>-v</c>: deliver, and report on it.</summary>
    Delivery,

    /// <summary><c>-bv</c>: deliver nothing, report where it would go.</summary>
    Verification,
}

/// <summary>
/// What our own sendmail(1) tells the daemon in MAIL beside the standard's parameters: <c>XSENDMAIL=flags:name</c>, the name in xtext. The local socket takes it only, and the daemon believes nothing of it
/// that any local user may not say.
/// </summary>
public sealed record SendmailWords
{
    private const int MaximumName = 1000;

    /// <summary>The sender's full name; empty where there is none.</summary>
    public string FullName { get; init; } = "";

    /// <summary><c>-G</c>: the message comes from elsewhere, and its header is treated as a stranger's.</summary>
    public bool IsGateway { get; init; }
    public SendmailReport Report { get; init; }

    public override string ToString() =>
        (IsGateway ? "g" : "") + Report switch { SendmailReport.Delivery => "v", SendmailReport.Verification => "b", _ => "" } + ":" + Xtext.Encode(FullName);

    /// <summary>Null where it is none.</summary>
    public static SendmailWords? Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !Xtext.TryDecode(text.AsSpan(colon + 1), MaximumName, out string name))
            return null;
        string flags = text[..colon];
        if (flags.Any(c => c is not ('g' or 'v' or 'b')))
            return null;
        return new SendmailWords
        {
            FullName = name,
            IsGateway = flags.Contains('g', StringComparison.Ordinal),
            Report = flags.Contains('b', StringComparison.Ordinal) ? SendmailReport.Verification : flags.Contains('v', StringComparison.Ordinal) ? SendmailReport.Delivery : SendmailReport.None,
        };
    }
}
