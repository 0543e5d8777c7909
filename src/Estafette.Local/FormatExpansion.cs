using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>What <c>%{...}</c> may name.</summary>
internal sealed record FormatValues
{
    public required string Sender { get; init; }
    public required LocalEnvelope Envelope { get; init; }

    /// <summary>The recipient's user, not the one the helper runs as.</summary>
    public required LocalUser User { get; init; }
    public string SubaddressDelimiters { get; init; } = "+";
}

/// <summary>
/// Expands the <c>%{...}</c> formats of smtpd.conf(5) in paths and command lines. Every value that comes from mail passes an allow-list of characters, so that none of it
/// means anything to a shell or as a path (E11); others become ":" as in OpenSMTPD. The modifier <c>:raw</c> is read and changes nothing.
/// </summary>
internal static class FormatExpansion
{
    public const int MaximumLength = 4096;

    /// <summary>False with a reason for the operator where the template or a value does not allow it.</summary>
    public static bool TryExpand(string template, FormatValues values, out string result, out string problem)
    {
        result = "";
        problem = "";
        var text = new StringBuilder();
        int i = 0;
        if (template.StartsWith("~/", StringComparison.Ordinal))
        {
            text.Append(values.User.Home);
            i = 1;
        }
        while (i < template.Length)
        {
            if (template.AsSpan(i).StartsWith("%%", StringComparison.Ordinal))
            {
                text.Append('%');
                i += 2;
                continue;
            }
            if (!template.AsSpan(i).StartsWith("%{", StringComparison.Ordinal))
            {
                text.Append(template[i++]);
                continue;
            }
            int end = template.IndexOf('}', i);
            if (end < 0 || Token(template.AsSpan(i + 2, end - i - 2), values) is not { } value)
            {
                problem = $"cannot expand {template[i..(end < 0 ? template.Length : end + 1)]}";
                return false;
            }
            text.Append(value);
            i = end + 1;
        }
        if (text.Length > MaximumLength)
        {
            problem = "expands to more than " + MaximumLength.ToString(CultureInfo.InvariantCulture) + " characters";
            return false;
        }
        result = text.ToString();
        return true;
    }

    /// <summary>Like <see cref="TryExpand"/>, for an absolute path without a step upwards.</summary>
    public static bool TryExpandPath(string template, FormatValues values, out string path, out string problem)
    {
        if (!TryExpand(template, values, out path, out problem))
            return false;
        if (path.StartsWith('/') && !path.Contains('\0', StringComparison.Ordinal) && !path.Split('/').Contains(".."))
            return true;
        problem = $"not a usable path: {path}";
        return false;
    }

    /// <summary>The name in the From_ line of an mbox.</summary>
    public static string MboxFrom(string sender) =>
        sender.Length == 0 ? "MAILER-DAEMON" : string.Concat(sender.Select(c => char.IsControl(c) ? '_' : c));

    private static string? Token(ReadOnlySpan<char> token, FormatValues values)
    {
        ReadOnlySpan<char> range = default, modifiers = default;
        ReadOnlySpan<char> name = token;
        int bracket = token.IndexOf('[');
        if (bracket >= 0)
        {
            int close = token.IndexOf(']');
            if (close < bracket + 2)
                return null;
            name = token[..bracket];
            range = token[(bracket + 1)..close];
            modifiers = token[(close + 1)..].TrimStart(':');
        }
        else if (token.IndexOf(':') is var colon and >= 0)
        {
            name = token[..colon];
            modifiers = token[(colon + 1)..];
        }
        if (Value(name.ToString(), values) is not { } given || Modify(given, modifiers.ToString(), values.SubaddressDelimiters) is not { } value)
            return null;
        bool ours = name.Equals("user.directory", StringComparison.OrdinalIgnoreCase);
        if (!ours)
            value = Sanitise(value);
        return value.Length == 0 || range.IsEmpty ? value : Slice(value, range) is { } part ? ours ? part : HideDots(part) : null;
    }

    private static string? Value(string name, FormatValues values)
    {
        string sender = values.Sender;
        int at = sender.LastIndexOf('@');
        LocalEnvelope envelope = values.Envelope;
        return name.ToUpperInvariant() switch
        {
            "SENDER" => sender,
            "SENDER.USER" => at < 0 ? sender : sender[..at],
            "SENDER.DOMAIN" => at < 0 ? "" : sender[(at + 1)..],
            "RCPT" => Plain(envelope.Original),
            "RCPT.USER" => envelope.Original.LocalPart,
            "RCPT.DOMAIN" => envelope.Original.Domain,
            "DEST" => Plain(envelope.Destination),
            "DEST.USER" => envelope.Destination.LocalPart,
            "DEST.DOMAIN" => envelope.Destination.Domain,
            "USER.USERNAME" => values.User.Name,
            "USER.DIRECTORY" => values.User.Home,
            "MBOX.FROM" => MboxFrom(sender),
            _ => null,
        };
    }

    private static string Plain(MailAddress address) => address.Domain.Length == 0 ? address.LocalPart : address.LocalPart + "@" + address.Domain;

    private static string? Modify(string value, string modifiers, string delimiters)
    {
        foreach (string modifier in modifiers.Split('|', ',', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (modifier.ToUpperInvariant())
            {
                case "LOWERCASE": value = ToLower(value); break;
                case "UPPERCASE": value = value.ToUpperInvariant(); break;
                case "STRIP": value = Strip(value, delimiters); break;
                case "RAW": break;
                default: return null;
            }
        }
        return value;
    }

    private static string ToLower(string value) => string.Create(value.Length, value, static (span, v) => v.AsSpan().ToLowerInvariant(span));

    /// <summary><c>user+detail@domain</c> becomes <c>user@domain</c>.</summary>
    private static string Strip(string value, string delimiters)
    {
        int tag = delimiters.Length == 0 ? -1 : value.AsSpan().IndexOfAny(delimiters);
        if (tag < 0)
            return value;
        int at = value.IndexOf('@', tag);
        return at < 0 ? value[..tag] : value[..tag] + value[at..];
    }

    private static string Sanitise(string value) => HideDots(string.Concat(value.Select(c => IsHarmless(c) ? c : ':')));

    private static bool IsHarmless(char c) => char.IsAsciiLetterOrDigit(c) || "@._-+=:,%".Contains(c, StringComparison.Ordinal) || (c >= 0x80 && !char.IsControl(c) && !char.IsWhiteSpace(c));

    /// <summary>A value must not become a step in a path or an option of a command.</summary>
    private static string HideDots(string value) => value is "." or ".." || value.StartsWith('-') ? ":" + value[1..] : value;

    /// <summary><c>[3]</c>, <c>[0:6]</c> (end included), <c>[-3:]</c>, <c>[0:-4]</c> (end excluded when it counts from behind).</summary>
    private static string? Slice(string value, ReadOnlySpan<char> range)
    {
        int colon = range.IndexOf(':');
        ReadOnlySpan<char> first = colon < 0 ? range : range[..colon], last = colon < 0 ? range : range[(colon + 1)..];
        int from = 0, to = value.Length - 1;
        if ((!first.IsEmpty && !int.TryParse(first, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out from))
            || (!last.IsEmpty && !int.TryParse(last, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out to)))
            return null;
        if (from >= value.Length || from < -value.Length || to < -value.Length)
            return null;
        if (from < 0)
            from += value.Length;
        to = colon < 0 ? from : to < 0 ? to + value.Length - 1 : Math.Min(to, value.Length - 1);
        return to < from ? null : value[from..(to + 1)];
    }
}
