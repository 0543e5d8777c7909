using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Reads the URL of a relay host in both grammars: <c>smtp+tls://label@host:port</c> and <c>tls+auth://label@host:port</c>. Without a
/// scheme it is <c>smtp://</c> with STARTTLS where offered. <see cref="Problem"/> says what is wrong in words for the administrator.
/// </summary>
public sealed record RelayUrl(RelayHost? Host, string? Problem = null, string? Cure = null)
{
    private sealed record Scheme(string Name, RelayProtocol Protocol, TlsLevel Tls, bool Label = false);

    /// <summary>In the new grammar a label may stand with every scheme that has TLS.</summary>
    private static readonly Scheme[] New =
    [
        new("smtp", RelayProtocol.Smtp, TlsLevel.May),
        new("smtp+tls", RelayProtocol.Smtp, TlsLevel.Verify),
        new("smtp+notls", RelayProtocol.Smtp, TlsLevel.None),
        new("lmtp", RelayProtocol.Lmtp, TlsLevel.None),
        new("smtps", RelayProtocol.Smtps, TlsLevel.Verify),
    ];

    /// <summary>
    /// In the old grammar a label asks for <c>+auth</c>, and the other way round; <c>secure</c> and <c>ssl</c> tried SMTPS, then STARTTLS. Certificates count where a
    /// password is sent (O25).
    /// </summary>
    private static readonly Scheme[] Old =
    [
        new("smtp", RelayProtocol.Smtp, TlsLevel.None),
        new("lmtp", RelayProtocol.Lmtp, TlsLevel.None),
        new("smtp+tls", RelayProtocol.Smtp, TlsLevel.May),
        new("smtps", RelayProtocol.Smtps, TlsLevel.Encrypt),
        new("smtps+auth", RelayProtocol.Smtps, TlsLevel.Verify, Label: true),
        new("tls", RelayProtocol.Smtp, TlsLevel.Encrypt),
        new("tls+auth", RelayProtocol.Smtp, TlsLevel.Verify, Label: true),
        new("secure", RelayProtocol.Smtps, TlsLevel.Encrypt),
        new("secure+auth", RelayProtocol.Smtps, TlsLevel.Verify, Label: true),
        new("ssl", RelayProtocol.Smtps, TlsLevel.Encrypt),
        new("ssl+auth", RelayProtocol.Smtps, TlsLevel.Verify, Label: true),
    ];

    public static RelayUrl Parse(string text, bool oldGrammar)
    {
        Scheme[] schemes = oldGrammar ? Old : New;
        int separator = text.IndexOf("://", StringComparison.Ordinal);
        string name = separator < 0 ? "" : text[..separator].ToLowerInvariant();
        Scheme? scheme = separator < 0
            ? new Scheme("smtp", RelayProtocol.Smtp, TlsLevel.May)
            : Array.Find(schemes, s => s.Name == name);
        if (scheme is null)
            return UnknownScheme(text[..separator], schemes, oldGrammar);
        string rest = separator < 0 ? text : text[(separator + 3)..];
        int at = rest.LastIndexOf('@');
        string? label = at < 0 ? null : rest[..at];
        if (ProblemOfLabel(label, scheme, oldGrammar, rest[(at + 1)..]) is { } wrong)
            return wrong;
        return Address(rest[(at + 1)..], scheme, label);
    }

    private static RelayUrl Address(string text, Scheme scheme, string? label)
    {
        int end = text.StartsWith('[') ? text.IndexOf(']', StringComparison.Ordinal) + 1 : text.IndexOf(':', StringComparison.Ordinal);
        if (end == 0 && text.StartsWith('['))
            return Wrong("`]` is missing behind the address", "write `[" + text.TrimStart('[') + "]`");
        string host = end < 0 ? text : text[..end];
        string tail = end < 0 ? "" : text[end..];
        int port = 0;
        if (tail.Length > 0)
        {
            if (tail[0] != ':')
                return Wrong("`" + tail + "` behind the host is not known", "end the URL behind the host or its port");
            if (Quantity.Count(tail[1..]) is not (> 0 and < 65_536 and var number))
                return Wrong("`" + tail[1..] + "` is not a port", "use a number from 1 to 65535");
            port = (int)number;
        }
        if (!IsHost(host))
            return Wrong(host.Length == 0 ? "the host is missing" : "`" + host + "` is not a host name or address", "write `" + scheme.Name + "://mail.example.org`");
        if (scheme.Protocol == RelayProtocol.Lmtp && port == 0)
            return Wrong("LMTP has no default port", "write `lmtp://" + host + ":24` with the port of the service");
        return new RelayUrl(new RelayHost { Host = Bare(host), Port = port, Protocol = scheme.Protocol, Tls = scheme.Tls == TlsLevel.May ? null : scheme.Tls, AuthLabel = label });
    }

    private static RelayUrl? ProblemOfLabel(string? label, Scheme scheme, bool oldGrammar, string host)
    {
        if (label is null)
            return scheme.Label ? Wrong("`" + scheme.Name + "://` needs a label", "write `" + scheme.Name + "://label@" + host + "`, label being the key in the credentials table") : null;
        if (label.Length == 0)
            return Wrong("the label before `@` is empty", "write `" + scheme.Name + "://label@" + host + "`");
        if (label.Contains(':', StringComparison.Ordinal))
            return Wrong("a password does not belong into the URL", "put `label user:password` into a table and write `" + scheme.Name + "://label@" + host + "` with `auth <table>`");
        if (oldGrammar && !scheme.Label)
        {
            string with = scheme.Name is "smtp" or "smtp+tls" ? "tls+auth" : scheme.Name + "+auth";
            return Wrong("`" + scheme.Name + "://` takes no label", "write `" + with + "://" + label + "@" + host + "` to log in");
        }
        return !oldGrammar && scheme.Tls < TlsLevel.Encrypt
            ? Wrong("`" + scheme.Name + "://` with a label would send a password without TLS", "write `smtp+tls://" + label + "@" + host + "`, or `smtps://...` for port 465")
            : null;
    }

    private static RelayUrl UnknownScheme(string name, Scheme[] schemes, bool oldGrammar)
    {
        Scheme? other = Array.Find(oldGrammar ? New : Old, s => s.Name == name.ToLowerInvariant());
        string? instead = other is null ? null : oldGrammar ? "tls" : other.Protocol == RelayProtocol.Smtps ? "smtps" : "smtp+tls";
        string? meant = instead ?? Spelling.Closest(name, schemes.Select(s => s.Name));
        return Wrong("`" + name + "://` is not a known kind of relay",
            meant is null ? "known are " + string.Join(", ", schemes.Select(s => "`" + s.Name + "://`")) : "did you mean `" + meant + "://`?");
    }

    private static RelayUrl Wrong(string problem, string cure) => new(null, problem, cure);

    private static bool IsHost(string host) =>
        host.StartsWith('[') ? IPAddress.TryParse(Bare(host), out _) : host.Length is > 0 and < 256 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' || c >= 0x80);

    /// <summary>An address literal without its brackets.</summary>
    private static string Bare(string host)
    {
        if (!host.StartsWith('['))
            return host;
        string inner = host[1..^1];
        return inner.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? inner[5..] : inner;
    }
}
