namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>What a table is looked up for; it decides whether it must be a list or a mapping, and how its values are checked.</summary>
internal sealed record TableUse(string Purpose, bool Mapping, ValueForm Form = ValueForm.Text, bool EitherShape = false)
{
    public static TableUse Alias { get; } = new("alias", Mapping: true);
    public static TableUse Virtual { get; } = new("virtual", Mapping: true);
    public static TableUse Userbase { get; } = new("userbase", Mapping: true);
    public static TableUse Credentials { get; } = new("auth", Mapping: true, ValueForm.Credentials);
    public static TableUse Senders { get; } = new("senders", Mapping: true);
    public static TableUse HostNames { get; } = new("host name", Mapping: true);
    public static TableUse RelayByDomain { get; } = new("relay domain", Mapping: true);
    public static TableUse RelayHosts { get; } = new("relay host", Mapping: false);
    public static TableUse TlsPolicy { get; } = new("TLS policy", Mapping: true);
    public static TableUse SourceAddress { get; } = new("source address", Mapping: false, ValueForm.Address);
    public static TableUse Network { get; } = new("client address", Mapping: false, ValueForm.Network);
    public static TableUse Domain { get; } = new("domain", Mapping: false, ValueForm.Domain);
    public static TableUse Mailbox { get; } = new("mail address", Mapping: false, ValueForm.Mailbox, EitherShape: true);
    public static TableUse Text { get; } = new("text", Mapping: false, EitherShape: true);
    public static TableUse Fingerprint { get; } = new("fingerprint", Mapping: false, ValueForm.Fingerprint, EitherShape: true);
    public static TableUse Regex { get; } = new("regex", Mapping: false, ValueForm.Regex);
}

internal enum ValueForm { Text, Address, Network, Domain, Mailbox, Regex, Credentials, Fingerprint }
