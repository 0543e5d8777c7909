namespace Estafette.Differ.Sandbox;

/// <summary>One thing that happens: a session, a command, a wait. <see cref="Lines"/> belong to it (`&gt;` commands, `|` text).</summary>
internal sealed record Step(string Verb, string Argument, IReadOnlyList<string> Lines, int Line);

/// <summary>
/// A scenario as text: what the machine is (directives), then what happens (steps). The words are in docs/testing.md. A word that is not known is an error with its line.
/// </summary>
internal sealed record Scenario(string Title, string Host, IReadOnlyList<(string Word, string Argument)> Directives, IReadOnlyList<Step> Steps)
{
    public const string UsualHost = "mx.here.test";
    private static readonly string[] s_directives = ["title", "host", "dns", "sink", "rule", "pre", "chmod", "chown", "listen", "look", "peer", "nostart"];
    private static readonly string[] s_steps = ["smtp", "run", "say", "settle", "reload", "queue", "await", "log"];

    public IEnumerable<string> All(string word) => Directives.Where(d => d.Word == word).Select(d => d.Argument);

    public static Scenario Load(string folder) => Parse(File.ReadAllText(Path.Combine(folder, "scenario")));

    public static Scenario Parse(string text)
    {
        var directives = new List<(string, string)>();
        var steps = new List<Step>();
        List<string>? lines = null;
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (lines is not null && line.Length > 0 && line[0] is '>' or '|')
            {
                lines!.Add(line);
                continue;
            }
            string trimmed = line.Trim();
            if (trimmed.Length == 0 || trimmed[0] == '#')
                continue;
            string word = trimmed.Split(' ')[0];
            string argument = trimmed[word.Length..].Trim();
            if (s_directives.Contains(word) && !(word == "rule" && steps.Count > 0))
                directives.Add((word, argument));
            else if (s_steps.Contains(word) || word == "rule")
                steps.Add(new Step(word, argument, lines = [], number));
            else
                throw new FormatException($"scenario, line {number}: `{word}` is no directive and no step");
        }
        string One(string word, string otherwise) => directives.LastOrDefault(d => d.Item1 == word, (word, otherwise)).Item2;
        return new Scenario(One("title", ""), One("host", UsualHost), directives, steps);
    }
}
