using System.Text;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>
/// Edits the text of main.cf as <c>postconf -e</c>, <c>-#</c> and <c>-X</c> do: comments and everything else stay where they are. Null where the request is no good, with the reason in the output. Nothing is
/// written here.
/// </summary>
internal sealed class PostconfEdit(PostconfRequest request, PostconfOutput output)
{
    private sealed class Wanted(string name, string? value)
    {
        public string Name => name;
        public string? Value => value;
        public int Found { get; set; }
    }

    public string? Main(string path, string text)
    {
        if (Requests() is not { } wanted)
            return null;
        var result = new StringBuilder(text.Length + 200);
        bool interesting = false;
        foreach (CfLine line in CfLine.Of(text))
        {
            if (!line.HasContent)
                result.Append(line.Text);
            else if (line.Continues)
            {
                if (!interesting)
                    result.Append(line.Text);
                else if (request.Has(PostconfModes.CommentOut))
                    result.Append('#').Append(line.Text);
            }
            else
            {
                string key = line.Text[..line.Text.AsSpan().IndexOfAny(Words.Blanks + "=")];
                Wanted? match = wanted.Find(w => w.Name == key);
                interesting = match is not null;
                if (match is null)
                    result.Append(line.Text);
                else
                    Replace(result, line, match, path);
            }
        }
        if (request.Has(PostconfModes.Edit))
        {
            foreach (Wanted added in wanted.Where(w => w.Found == 0))
                result.Append(added.Name).Append(" = ").Append(added.Value).Append('\n');
        }
        return result.ToString();
    }

    private void Replace(StringBuilder result, CfLine line, Wanted match, string path)
    {
        if (match.Found++ == 1)
            output.Warn(path + ": multiple entries for \"" + match.Name + "\"");
        if (request.Has(PostconfModes.Edit))
            result.Append(match.Name).Append(" = ").Append(match.Value).Append('\n');
        else if (request.Has(PostconfModes.CommentOut))
            result.Append('#').Append(line.Text);
    }

    /// <summary>Of two requests for one name the later counts.</summary>
    private List<Wanted>? Requests()
    {
        var wanted = new List<Wanted>();
        foreach (string argument in request.Names)
        {
            string text = argument.TrimStart(Words.Blanks.ToCharArray());
            if (argument.Contains('\n', StringComparison.Ordinal))
                output.Fail("-e, -X, or -# accepts no multi-line input");
            else if (text.StartsWith('#'))
                output.Fail("-e, -X, or -# accepts no comment input");
            string name = text.TrimEnd(Words.Blanks.ToCharArray());
            string? value = null;
            if (request.Has(PostconfModes.Edit))
            {
                if (Words.TrySplitSetting(text, out name, out string given, out string? problem))
                    value = given;
                else
                    output.Fail(problem + ": \"" + text + "\"");
            }
            else if (name.Length == 0)
                output.Fail("-X or -# requires non-blank parameter names");
            else if (name.Contains('=', StringComparison.Ordinal))
                output.Fail("-X or -# requires parameter names without value");
            if (output.Failure is not null)
                return null;
            if (wanted.Find(w => w.Name == name) is { } earlier)
            {
                output.Warn("ignoring earlier request: '" + name + " = " + earlier.Value + "'");
                wanted.Remove(earlier);
            }
            wanted.Add(new Wanted(name, value));
        }
        return wanted;
    }
}

/// <summary>One line of a file with its end. The last one gets an end where it had none, so that nothing is written behind it on the same line.</summary>
internal readonly record struct CfLine(string Text)
{
    /// <summary>Neither empty nor a comment.</summary>
    public bool HasContent => Text.AsSpan().TrimStart(Words.Blanks) is { IsEmpty: false } content && content[0] != '#';

    public bool Continues => Text.Length > 0 && Words.IsBlank(Text[0]);

    public static List<CfLine> Of(string text)
    {
        var lines = new List<CfLine>();
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf('\n', start);
            lines.Add(new CfLine(end < 0 ? text[start..] + "\n" : text[start..(end + 1)]));
            start = end < 0 ? text.Length : end + 1;
        }
        return lines;
    }
}
