using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Lists of protocols as Postfix writes them: <c>&gt;=TLSv1.2</c>, <c>&lt;=TLSv1.2</c>, <c>!SSLv3</c>, <c>TLSv1.2</c> (<c>postconf(5) smtpd_tls_protocols</c>). Those before TLS 1.2 are known and never spoken.
/// </summary>
internal static class TlsVersions
{
    private static readonly string[] s_names = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    private const int Tls12 = 4;
    private const int Tls13 = 5;

    public static TlsSettings Read(ParameterReader reader, string name, TlsSettings before)
    {
        bool[] allowed = new bool[s_names.Length];
        ImmutableArray<string> words = [.. reader.Text(name).Split([',', ':', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries)];
        bool chosen = words.Any(w => w[0] is not ('!' or '<' or '>'));
        Array.Fill(allowed, !chosen);
        foreach (string word in words)
        {
            string mark = word.StartsWith(">=", StringComparison.Ordinal) || word.StartsWith("<=", StringComparison.Ordinal) ? word[..2] : word[0] == '!' ? "!" : "";
            int version = Array.FindIndex(s_names, n => n.Equals(word[mark.Length..], StringComparison.OrdinalIgnoreCase));
            if (version < 0)
            {
                reader.Fail(name, name + ": unknown protocol \"" + word + "\"", "write `>=TLSv1.2`");
                return before;
            }
            for (int i = 0; i < allowed.Length; i++)
            {
                allowed[i] = mark switch
                {
                    ">=" => allowed[i] && i >= version,
                    "<=" => allowed[i] && i <= version,
                    "!" => allowed[i] && i != version,
                    _ => allowed[i] || i == version,
                };
            }
        }
        if (!allowed[Tls12] && !allowed[Tls13])
        {
            reader.Fail(name, name + " leaves neither TLS 1.2 nor TLS 1.3", "write `>=TLSv1.2`: older ones are never spoken (RFC 8996)");
            return before;
        }
        return before with { Minimum = allowed[Tls12] ? TlsVersion.Tls12 : TlsVersion.Tls13, Maximum = allowed[Tls13] ? TlsVersion.Tls13 : TlsVersion.Tls12 };
    }
}
