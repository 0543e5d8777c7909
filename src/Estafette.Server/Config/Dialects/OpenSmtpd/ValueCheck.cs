using System.Net;
using System.Text.RegularExpressions;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>Checks values that stand in the configuration itself against what they are used as, so that a slip does not wait for its first message.</summary>
internal sealed class ValueCheck(LoweringContext context)
{
    public bool Check(IEnumerable<string> values, ValueForm form, SourceSpan at)
    {
        bool good = true;
        foreach (string value in values)
        {
            (string Message, string Cure)? problem = Problem(value, form);
            if (problem is null)
                continue;
            context.Findings.Error(at, problem.Value.Message, problem.Value.Cure);
            good = false;
        }
        return good;
    }

    /// <summary>A compiled pattern, or what is wrong with it.</summary>
    public static (Regex? Pattern, string? Problem) Compile(string pattern)
    {
        try
        {
            return (new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant), null);
        }
        catch (Exception problem) when (problem is ArgumentException or NotSupportedException)
        {
            return (null, problem.Message);
        }
    }

    /// <summary>All digits together, or pairs of them with colons between: other forms would not be found.</summary>
    private static bool IsFingerprint(string value)
    {
        const int digits = 64;
        string plain = value.Length == digits ? value : string.Concat(value.Where((_, i) => i % 3 != 2));
        bool colons = value.Length == digits || (value.Length == digits + (digits / 2) - 1 && value.Where((_, i) => i % 3 == 2).All(c => c == ':'));
        return colons && plain.Length == digits && plain.All(char.IsAsciiHexDigit);
    }

    private static (string Message, string Cure)? Problem(string value, ValueForm form)
    {
        switch (form)
        {
            case ValueForm.Network when !string.Equals(value, "local", StringComparison.Ordinal) && Network.Parse(value) is null:
                return ("`" + value + "` is no address or network", "write `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`");
            case ValueForm.Address when !IPAddress.TryParse(value, out _):
                return ("`" + value + "` is no address", "write an address of this machine, such as `192.0.2.7`");
            case ValueForm.Domain when value.Contains('@', StringComparison.Ordinal):
                return ("`" + value + "` is a mail address, not a domain", "write `" + value[(value.LastIndexOf('@') + 1)..] + "`, or `for rcpt-to` (old grammar: `recipient`) to match addresses");
            case ValueForm.Domain when value.Length == 0 || value.Any(char.IsWhiteSpace):
                return ("`" + value + "` is no domain", "write a name such as `example.org` or a pattern such as `*.example.org`");
            case ValueForm.Mailbox when value.Length == 0 || value == "@":
                return ("`" + value + "` is no mail address", "write `user@example.org`, or `@example.org` for a whole domain");
            case ValueForm.Regex when Compile(value).Problem is { } problem:
                return ("`" + value + "` is no regular expression: " + problem, "back-references and look-around are not supported, because they can take for ever");
            case ValueForm.Fingerprint when !IsFingerprint(value):
                return ("`" + value + "` is no SHA-256 fingerprint",
                    "write its 64 hex digits, with or without colons (in a file without): `openssl x509 -in client.crt -noout -fingerprint -sha256` shows them");
            default:
                return null;
        }
    }
}
