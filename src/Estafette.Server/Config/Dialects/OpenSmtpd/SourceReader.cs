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
                asked.Line == 0 ? "name the configuration with --config PATH (smtpd: -f PATH)" : "create the file, or remove the line");
            return null;
        }
        if (content.Bytes.Length > MaximumSize)
        {
            findings.Error(asked.Line == 0 ? new SourceSpan(path, 0, 0, 0) : asked, "`" + path + "` is larger than 1 MiB", "put long lists into table files");
            return null;
        }
        return Add(path, content.Bytes.Span);
    }

    public SourceText Add(string path, ReadOnlySpan<byte> bytes)
    {
        var source = new SourceText(path, Strict.GetString(bytes));
        _sources[path] = source;
        _order.Add(path);
        int bad = source.Text.IndexOf('\uFFFD', StringComparison.Ordinal);
        if (bad >= 0 && bytes.IndexOf("\uFFFD"u8) < 0)
            findings.Error(source.Span(bad, 1), "this is not UTF-8 text", "save the file as UTF-8: `iconv -f latin1 -t utf-8`");
        return source;
    }
}
