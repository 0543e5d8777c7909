using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>One line of a control file that says something, with its place.</summary>
internal readonly record struct ControlLine(string Text, int Number);

/// <summary>
/// A file of qmail-control(5) as it stands: missing, empty or with lines. The three are told apart, since an empty <c>defaultdomain</c> means "append nothing" and a missing one means
/// <c>me</c> (row Q13). White space at the end of a line does not count; where a file is a list, empty lines and those that start with <c>#</c> say nothing.
/// </summary>
internal sealed class ControlFile
{
    /// <summary>Lines of a list; a longer one belongs into a cdb (<c>morercpthosts</c>).</summary>
    private const int MaximumLines = 1_000_000;

    private readonly ImmutableArray<string> _raw;

    private ControlFile(string path, bool exists, ImmutableArray<string> raw)
    {
        Path = path;
        Exists = exists;
        _raw = raw;
        Lines = [.. raw.Select((text, at) => new ControlLine(text, at + 1)).Where(line => line.Text.Length > 0 && line.Text[0] != '#')];
    }

    public string Path { get; }
    public bool Exists { get; }

    /// <summary>The lines of a list.</summary>
    public ImmutableArray<ControlLine> Lines { get; }

    /// <summary>Every line, the first one first.</summary>
    public ImmutableArray<string> All => _raw;

    /// <summary>The first line, for files that hold one value; null for a missing file, empty for an empty one.</summary>
    public string? First => !Exists ? null : _raw.IsEmpty ? "" : _raw[0];

    public static ControlFile Missing(string path) => new(path, false, []);

    public static ControlFile Parse(string path, ReadOnlySpan<byte> content)
    {
        var lines = ImmutableArray.CreateBuilder<string>();
        while (!content.IsEmpty && lines.Count < MaximumLines)
        {
            int end = content.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? content : content[..end];
            lines.Add(Encoding.UTF8.GetString(line.TrimEnd(" \t\r\0"u8)));
            content = end < 0 ? default : content[(end + 1)..];
        }
        return new ControlFile(path, true, lines.ToImmutable());
    }

    /// <summary>The number on the first line; null where the file is missing. False for a line that starts with no number.</summary>
    public bool TryNumber(out long? number)
    {
        number = null;
        if (First is not { } text)
            return true;
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        ReadOnlySpan<char> figure = digits < 0 ? text : text.AsSpan(0, digits);
        if (!long.TryParse(figure, NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            return false;
        number = value;
        return true;
    }
}
