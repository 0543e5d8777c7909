using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>Reads configuration files as UTF-8 text and keeps them for the printer. What cannot be read or decoded is an error with its place.</summary>
internal sealed class SourceReader(IMachine machine, Findings findings)
{
    /// <summary>Largest configuration file; tables have their own files.</summary>
    private const int MaximumSize = 1 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);
    private readonly Dictionary<string, SourceText> _sources = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    public IReadOnlyList<string> Order => _order;

    public ImmutableDictionary<string, SourceText> Sources => _sources.ToImmutableDictionary(StringComparer.Ordinal);

    public SourceText? Read(string path, SourceSpan asked)
    {
        if (_sources.TryGetValue(path, out SourceText? known))
            return known;
        FileContent content = machine.Read(path);
        if (content.Failure is not null)
        {
            SourceSpan at = asked.Line == 0 ? new SourceSpan(path, 0, 0, 0) : asked;
            findings.Error(at, (asked.Line == 0 ? "cannot be read: " : "`" + path + "` cannot be read: ") + content.Failure,
                content.Failure == "permission denied" ? "let this user read it, or run the command as root"
                : asked.Line == 0 ? "name the configuration with --config PATH (smtpd: -f PATH)" : "create the file, or remove the line");
            return null;
        }
        if (content.Bytes.Length > MaximumSize)
        {
            findings.Error(asked.Line == 0 ? new SourceSpan(path, 0, 0, 0) : asked, "`" + path + "` is larger than 1 MiB", "put long lists into table files");
            return null;
        }
        SourceText source = Add(path, content.Bytes.Span);
        if (asked.Line != 0 || LooksLikePostfix(source.Text) is not { } place)
            return source;
        findings.Error(source.Span(place.Start, place.Length), "this is a main.cf of Postfix, and not an smtpd.conf",
            "write its settings as an smtpd.conf; docs/smtpd-conf.md has a usual domain to begin with");
        return null;
    }

    public SourceText Add(string path, ReadOnlySpan<byte> bytes)
    {
        // Editors of other systems put a byte order mark in front.
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes["\uFEFF"u8.Length..];
        var source = new SourceText(path, Strict.GetString(bytes));
        _sources[path] = source;
        _order.Add(path);
        int bad = source.Text.IndexOf('\uFFFD', StringComparison.Ordinal);
        if (bad >= 0 && bytes.IndexOf("\uFFFD"u8) < 0)
            findings.Error(source.Span(bad, 1), "this is not UTF-8 text", "save the file as UTF-8: `iconv -f latin1 -t utf-8`");
        return source;
    }

    /// <summary>
    /// The first setting that only Postfix has. Each of its lines alone would be a macro here; a file with any statement of smtpd.conf is one.
    /// </summary>
    private static (int Start, int Length)? LooksLikePostfix(string text)
    {
        (int Start, int Length)? found = null;
        int start = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int end = line.IndexOfAny(' ', '\t', '=');
            ReadOnlySpan<char> word = end < 0 ? line : line[..end];
            bool assigned = end >= 0 && line[end..].TrimStart().StartsWith('=');
            if (!assigned && word is "action" or "match" or "accept" or "reject" or "listen" or "table" or "include")
                return null;
            if (assigned && found is null && (word is "mydestination" or "myhostname" or "mynetworks" or "relayhost" or "inet_interfaces" or "compatibility_level" || word.StartsWith("smtpd_")))
                found = (start, end);
            start += line.Length + (start + line.Length + 1 < text.Length && text[start + line.Length] == '\r' && text[start + line.Length + 1] == '\n' ? 2 : 1);
        }
        return found;
    }
}
