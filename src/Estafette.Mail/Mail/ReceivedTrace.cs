namespace Estafette.Mail;

/// <summary>What a Received field tells of one hop (RFC 5321 s4.4).</summary>
public sealed record ReceivedTrace
{
    public required ClientInfo Client { get; init; }

    /// <summary>The name the server uses towards this client.</summary>
    public required string ByHost { get; init; }
    public required MessageId Id { get; init; }
    public required DateTimeOffset Time { get; init; }

    /// <summary>The recipient as the client named it; null unless there is exactly one, so that no hidden recipient is told to others (RFC 5321 s7.2).</summary>
    public MailAddress? For { get; init; }

    /// <summary>Leaves out who the client is (E56).</summary>
    public bool MaskSource { get; init; }

    /// <summary>A local program spoke SMTP itself (<c>sendmail -bs</c>), so there is a dialogue to tell of.</summary>
    public bool IsDialogue { get; init; }

    /// <summary>The name of the program in Postfix's style.</summary>
    public string MailName { get; init; } = "Postfix";

    /// <summary>Tells what TLS came to, in Postfix's style.</summary>
    public bool TellsTls { get; init; } = true;

    /// <summary>Tells the login, in Postfix's style.</summary>
    public bool TellsLogin { get; init; }

    /// <summary>A certificate was asked of the client, which need not have had one.</summary>
    public bool ClientCertificateAsked { get; init; }

    /// <summary>The certificate that the client showed; null when none.</summary>
    public ClientCertificate? ClientCertificate { get; init; }
}
