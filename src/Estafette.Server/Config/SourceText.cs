using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>The text of one configuration file with its lines, so that a finding can show the line it speaks of.</summary>
public sealed class SourceText
{
    private readonly List<int> _starts = [0];

    public SourceText(string path, string text)
    {
        Path = path;
        Text = text;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
                _starts.Add(i + 1);
        }
    }

    public string Path { get; }
    public string Text { get; }
    public int LineCount => _starts.Count;

    /// <summary>The line without its end; empty for a number that is out of range.</summary>
    public string Line(int number)
    {
        if (number < 1 || number > _starts.Count)
            return "";
        int start = _starts[number - 1];
        int end = number < _starts.Count ? _starts[number] - 1 : Text.Length;
        return Text[start..end].TrimEnd('\r');
    }

    /// <summary>The place of a range of the text, cut at the end of its first line.</summary>
    public SourceSpan Span(int offset, int length)
    {
        int index = _starts.BinarySearch(offset);
        if (index < 0)
            index = ~index - 1;
        int end = index + 1 < _starts.Count ? _starts[index + 1] - 1 : Text.Length;
        return new SourceSpan(Path, index + 1, offset - _starts[index] + 1, Math.Max(1, Math.Min(length, end - offset)));
    }
}
