using System.Globalization;
using System.Text;

namespace Estafette.Differ.Cases;

/// <summary>
/// A configuration with its files in the making, and what mail would be worth sending to it: features add both, so that what is configured is also exercised.
/// </summary>
internal sealed class Case(int seed)
{
    // Seeds that follow each other would begin alike.
    private readonly int _mixed = unchecked((seed * (int)2654435761) ^ 0x5bd1e995);
    private readonly List<(string Name, string Value)> _main = [];
    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly List<string> _services = [];
    private readonly List<string> _directives = [];
    private readonly List<string> _features = [];

    public Dice Dice => field ??= new Dice(_mixed);

    /// <summary>Addresses as written between the angle brackets of RCPT TO; features add those that they mean something for.</summary>
    public List<string> Recipients { get; } = [];

    public List<string> Senders { get; } = ["a@client.test", "a@client.test", "news@far.test", "alice@here.test", ""];

    public List<string> Clients { get; } = ["127.0.0.1", "203.0.113.9"];

    public List<string> Hellos { get; } = ["client.test"];

    public List<string> HeaderLines { get; } = [];

    public List<string> BodyLines { get; } = [];

    public void Feature(string name) => _features.Add(name);

    public bool IsSet(string name) => _main.Exists(m => m.Name == name);

    /// <summary>The last one holds, as in main.cf.</summary>
    public void Set(string name, string value)
    {
        _main.RemoveAll(m => m.Name == name);
        _main.Add((name, value));
    }

    public void Service(string text) => _services.Add(text);

    public void Directive(string text) => _directives.Add(text);

    public string File(string path, string text)
    {
        _files[path] = text;
        return path;
    }

    /// <summary>Writes a table in a form that dice choose, and returns the name for main.cf.</summary>
    public string Table(string name, params IReadOnlyList<(string Key, string Value)> rows)
    {
        string path = "/etc/postfix/" + name;
        string text = string.Concat(rows.Select(r => $"{r.Key}{Dice.One("\t", "  ")}{r.Value}\n"));
        switch (Dice.Number(0, 9))
        {
            case < 4:
                return "texthash:" + File(path, "# rows\n" + text);
            case < 7:
                Directive("pre postmap hash:" + File(path, text));
                return "hash:" + path;
            case < 9 when !rows.Any(r => (r.Key + r.Value).AsSpan().IndexOfAny("{}$\"") >= 0):
                return "inline:{ " + string.Join(", ", rows.Select(r => $"{{ {r.Key} = {r.Value} }}")) + " }";
            default:
                return "regexp:" + File(path + ".regexp", string.Concat(rows.Select(r => $"{Pattern(r.Key)}  {r.Value.Replace("$", "$$", StringComparison.Ordinal)}\n")));
        }
    }

    /// <summary>A pattern for what the row of an indexed table would find by its whole key; `@domain` becomes the end of an address.</summary>
    private static string Pattern(string key)
    {
        var escaped = new StringBuilder();
        foreach (char c in key)
            escaped.Append(char.IsAsciiLetterOrDigit(c) || c is '@' or '-' or '_' ? "" : "\\").Append(c);
        return key.StartsWith('@') ? $"/{escaped}$/" : $"/^{escaped}$/";
    }

    public string MainCf() => string.Concat(_main.Select(m => m.Value.Length == 0 ? $"{m.Name} =\n" : $"{m.Name} = {m.Value}\n"));

    public string MasterCf() => World.Master + string.Concat(_services.Select(s => s + "\n"));

    public IReadOnlyDictionary<string, string> Files => _files;

    public string Scenario(string steps) => string.Create(CultureInfo.InvariantCulture, $"title seed {seed}: {string.Join(", ", _features)}\n")
        + string.Concat(World.Directives.Concat(_directives).Select(d => d + "\n")) + steps;
}
