using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>What a run of postconf says: its output, warnings, and the reason where it gave up. Every character stands for one octet.</summary>
public sealed class PostconfOutput
{
    private const int WidestLine = 80;
    private const int Indent = 4;
    private static readonly char[] s_blanks = [' ', '\t', '\r', '\n'];

    private readonly StringBuilder _text = new();
    private readonly List<string> _warnings = [];

    public string Text => _text.ToString();

    public ImmutableArray<string> Warnings => [.. _warnings];

    /// <summary>Why it stopped; null when all went well.</summary>
    public string? Failure { get; private set; }

    internal void Warn(string text) => _warnings.Add(text);

    /// <summary>The first reason stands.</summary>
    internal void Fail(string text) => Failure ??= text;

    internal void Raw(string text) => _text.Append(text);

    /// <summary>The words of a line with one blank between them, folded where that is asked for (<c>-f</c>).</summary>
    internal void Line(string text, bool fold)
    {
        int length = 0;
        foreach (string word in text.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries))
        {
            if (length > 0 && fold && length + word.Length >= WidestLine)
            {
                _text.Append('\n').Append(' ', Indent);
                length = Indent;
            }
            else if (length > 0)
            {
                _text.Append(' ');
                length++;
            }
            _text.Append(word);
            length += word.Length;
        }
        _text.Append('\n');
    }
}
