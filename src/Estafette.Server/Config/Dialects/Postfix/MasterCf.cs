using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// One service of master.cf. The columns are kept as written, <c>-</c> for the default.
/// </summary>
internal sealed record ServiceEntry
{
    public required string Name { get; init; }

    /// <summary><c>inet</c>, <c>unix</c>, <c>unix-dgram</c>, <c>fifo</c> or <c>pass</c>.</summary>
    public required string Type { get; init; }
    public string Private { get; init; } = "-";
    public string Unprivileged { get; init; } = "-";
    public string Chroot { get; init; } = "-";
    public string Wakeup { get; init; } = "-";
    public string ProcessLimit { get; init; } = "-";
    public required string Command { get; init; }

    /// <summary>All words behind the command, braces taken off.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>The settings of <c>-o</c>; of two of one name the last holds.</summary>
    public ImmutableArray<Setting> Overrides { get; init; } = [];

    /// <summary>The words behind the options, such as <c>flags=</c>, <c>user=</c> and <c>argv=</c> of pipe(8).</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];
    public required SourceSpan At { get; init; }

    /// <summary>Mail is handed to it, so that it has limits of its own (<c>NAME_destination_concurrency_limit</c>).</summary>
    public bool Delivers => Command is "smtp" or "lmtp" or "local" or "virtual" or "pipe" or "error" or "discard";

    /// <summary>As in every refusal: <c>name/type</c>.</summary>
    public string Key => Name + "/" + Type;

    /// <summary>How many may run at once; null for <c>-</c>, 0 for no limit.</summary>
    public int? Processes => int.TryParse(ProcessLimit, System.Globalization.CultureInfo.InvariantCulture, out int count) ? count : null;
}

/// <summary>The services of a master.cf (<c>master(5)</c>). What no column may hold is an error with its cure; the underscores that an old course prints for <c>-</c> are taken for it (V4).</summary>
internal static class MasterCf
{
    private const string Blanks = " \t\r\n";

    /// <summary>Columns before the arguments of the command.</summary>
    public const int Columns = 8;

    public static ImmutableArray<ServiceEntry> Parse(SourceText source, Findings findings)
    {
        var services = new List<ServiceEntry>();
        foreach (LogicalLine line in LogicalLines.Of(source, findings))
        {
            if (Entry(line, findings) is not { } entry)
                continue;
            int known = services.FindIndex(s => s.Name == entry.Name && s.Type == entry.Type);
            if (known >= 0)
            {
                findings.Warning(line.At, "the service " + entry.Key + " stands here a second time; the first is at " + services[known].At, "the last one holds: remove the other");
                services.RemoveAt(known);
            }
            services.Add(entry);
        }
        return [.. services];
    }

    private static ServiceEntry? Entry(LogicalLine line, Findings findings)
    {
        ImmutableArray<string> words = Postfix.Words.Split(line.Text, Blanks);
        if (words.Length < Columns)
        {
            findings.Error(line.At, "bad field count: \"" + line.Text.Trim() + "\"",
                "a service has eight columns: name, type, private, unprivileged, chroot, wakeup, process limit and command; what continues a line begins with a blank");
            return null;
        }
        string[] columns = [.. words.Take(Columns)];
        bool old = false;
        for (int i = 2; i < Columns - 1; i++)
        {
            if (columns[i] is not ("_" or "—" or "–"))
                continue;
            columns[i] = "-";
            old = true;
        }
        if (old)
            findings.Warning(line.At, "`_` stands where `-` is meant, the default of a column", "write `-`");
        if (!Fits(columns, line.At, findings))
            return null;
        var entry = new ServiceEntry
        {
            Name = columns[0],
            Type = columns[1],
            Private = columns[2],
            Unprivileged = columns[3],
            Chroot = columns[4],
            Wakeup = columns[5],
            ProcessLimit = columns[6],
            Command = columns[7],
            At = line.At,
        };
        return Arguments(entry, words.RemoveRange(0, Columns), findings);
    }

    private static bool Fits(string[] columns, SourceSpan at, Findings findings)
    {
        if (columns[1] is not ("inet" or "unix" or "unix-dgram" or "fifo" or "pass"))
            return Fail("bad transport type: " + columns[1], "the second column is inet, unix, fifo or pass");
        string[] names = ["private", "unprivileged", "chroot"];
        for (int i = 0; i < names.Length; i++)
        {
            if (columns[i + 2] is not ("y" or "n" or "-"))
                return Fail("field \"" + names[i] + "\": bad value: \"" + columns[i + 2] + "\"", "write y, n or -");
        }
        if (columns[1] == "inet" && columns[2] is not "n")
            return Fail("inet service cannot be private", "write `n` in the third column");
        if (columns[5] != "-" && !columns[5].TrimEnd('?').All(char.IsAsciiDigit))
            return Fail("field \"wakeup_time\": bad value: \"" + columns[5] + "\"", "write seconds, with ? for services that may sleep, or -");
        return columns[6] == "-" || columns[6].All(char.IsAsciiDigit)
            || Fail("field \"max_proc\": bad value: \"" + columns[6] + "\"", "write a number, 0 for no limit, or -");

        bool Fail(string message, string cure)
        {
            findings.Error(at, message, cure);
            return false;
        }
    }

    /// <summary>Options first, as getopt reads them: <c>-v</c>, <c>-o name=value</c>, <c>-o { name = value }</c>; the rest belongs to the command.</summary>
    private static ServiceEntry Arguments(ServiceEntry entry, ImmutableArray<string> raw, Findings findings)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        foreach (string word in raw)
        {
            string? bare = Postfix.Words.Braced(word, out string? problem);
            if (bare is null)
                findings.Error(entry.At, "service " + entry.Key + ": " + problem, "close every { with a }");
            words.Add(bare ?? word);
        }
        var overrides = ImmutableArray.CreateBuilder<Setting>();
        int at = 0;
        for (; at < words.Count && words[at].Length > 1 && words[at][0] == '-'; at++)
        {
            int option = words[at].IndexOf('o', StringComparison.Ordinal);
            if (option < 0)
                continue;
            string? text = option + 1 < words[at].Length ? words[at][(option + 1)..] : at + 1 < words.Count ? words[++at] : null;
            if (text is null)
                findings.Error(entry.At, "service " + entry.Key + ": -o has no name=value", "write `-o name=value`");
            else if (Postfix.Words.TrySplitSetting(text, out string name, out string value, out string? problem))
                overrides.Add(new Setting(name, value, entry.At));
            else
            {
                findings.Error(entry.At, "service " + entry.Key + ": " + problem + ": \"-o " + text + "\"",
                    "write `-o name=value` without blanks, or `-o { name = value }`");
            }
        }
        return entry with { Words = words.ToImmutable(), Overrides = overrides.ToImmutable(), Arguments = [.. words.Skip(at)] };
    }
}
