namespace Estafette.Differ.Observing;

/// <summary>
/// What a server did in a scenario, as text: titled sections of lines, so that two of them can be held side by side by a program or by eye. A line that begins with `~` is
/// wording (of a reply, of a notification); all others are behaviour. Sections titled `log` are for people only.
/// </summary>
internal sealed class Observation
{
    private readonly List<(string Title, List<string> Lines)> _sections = [];

    public IReadOnlyList<(string Title, List<string> Lines)> Sections => _sections;

    public const string Log = "log";

    public List<string> Section(string title)
    {
        var lines = new List<string>();
        _sections.Add((title, lines));
        return lines;
    }

    public string Write(bool withLog = true) => string.Concat(_sections.Where(s => withLog || s.Title != Log).Select(s => "== " + s.Title + "\n" + string.Concat(s.Lines.Select(l => "  " + l.ReplaceLineEndings("\\n") + "\n"))));

    public static Observation Read(string text)
    {
        var observation = new Observation();
        List<string>? lines = null;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("== ", StringComparison.Ordinal))
                lines = observation.Section(line[3..]);
            else if (line.Length >= 2)
                lines?.Add(line[2..]);
        }
        return observation;
    }
}
