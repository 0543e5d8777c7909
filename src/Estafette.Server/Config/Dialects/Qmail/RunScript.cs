using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// What the line of tcpserver(1) in a <c>qmail-smtpd/run</c> script says, as far as it can be known without running a shell: where to listen, for how many clients, by which rules. Values may be
/// words, variables of the script, or the usual <c>`cat FILE`</c>, <c>`head -1 FILE`</c> and <c>`id -u NAME`</c>; whatever else a shell could compute is told as <see cref="Unknown"/>, never guessed.
/// </summary>
internal sealed record RunScript
{
    /// <summary>Lines and words that are looked at, at most.</summary>
    private const int MaximumLines = 10_000, MaximumWords = 500;

    public required string Address { get; init; }

    /// <summary>A number or the name of a service.</summary>
    public required string Port { get; init; }

    /// <summary>Line of the command, from 1.</summary>
    public required int Line { get; init; }

    /// <summary><c>-c</c>; null where it is not said.</summary>
    public string? Limit { get; init; }

    /// <summary><c>-x</c>, a cdb; null where it is not said.</summary>
    public string? RulesFile { get; init; }

    /// <summary><c>-l</c>: the name of this host for the programs that are started.</summary>
    public string? LocalName { get; init; }

    /// <summary><c>-H</c>: names of clients are not looked up.</summary>
    public bool NoHostNames { get; init; }

    /// <summary><c>softlimit -m</c>, in octets as written (row Q10); null where there is none.</summary>
    public string? SoftLimit { get; init; }

    /// <summary>Variables that the command uses and that came out empty (row Q8).</summary>
    public ImmutableArray<string> Unset { get; init; } = [];

    /// <summary>Variables whose value only a shell could tell.</summary>
    public ImmutableArray<string> Unknown { get; init; } = [];

    /// <summary>The file without which the script starts no listener (<c>[ ! -f FILE ]</c>, row Q9); null where it asks for none.</summary>
    public string? RequiredFile { get; init; }

    /// <param name="text">The script.</param>
    /// <param name="firstLine">The first line of a file without white space at its end; null for a missing one.</param>
    /// <param name="idOf">The answer of <c>id -u</c> or <c>id -g</c> (the flag) for a user; null where there is no such user.</param>
    /// <returns>Null where no command line of tcpserver is found.</returns>
    public static RunScript? Parse(string text, Func<string, string?> firstLine, Func<string, string, string?> idOf)
    {
        var reader = new Reader(firstLine, idOf);
        int number = 0, start = 0;
        var logical = new StringBuilder();
        foreach (string line in text.Split('\n').Take(MaximumLines))
        {
            number++;
            start = logical.Length == 0 ? number : start;
            if (line.EndsWith('\\'))
            {
                logical.Append(line.AsSpan(0, line.Length - 1)).Append(' ');
                continue;
            }
            logical.Append(line);
            if (reader.Take(logical.ToString().Trim()) is { } command)
                return command with { Line = start };
            logical.Clear();
        }
        return null;
    }

    /// <summary>Walks over the lines and remembers what variables are.</summary>
    private sealed class Reader(Func<string, string?> firstLine, Func<string, string, string?> idOf)
    {
        private readonly Dictionary<string, string?> _variables = new(StringComparer.Ordinal);
        private string? _required;

        public RunScript? Take(string line)
        {
            if (line.Length == 0 || line[0] == '#')
                return null;
            if (TryAssignment(line))
                return null;
            const string test = "! -f ";
            int at = line.IndexOf(test, StringComparison.Ordinal);
            if (at >= 0 && line.StartsWith("if", StringComparison.Ordinal))
                _required = line[(at + test.Length)..].Split(' ', ']', ';')[0].Trim('"', '\'');
            List<string> words = Words(line);
            int server = words.FindIndex(word => word == "tcpserver" || word.EndsWith("/tcpserver", StringComparison.Ordinal));
            return server < 0 ? null : Command(words, server);
        }

        private bool TryAssignment(string line)
        {
            if (line.StartsWith("export ", StringComparison.Ordinal))
                line = line[7..];
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !IsName(line.AsSpan(0, equals)))
                return false;
            _variables[line[..equals]] = Value(line[(equals + 1)..].Trim());
            return true;
        }

        /// <summary>Null where only a shell could tell.</summary>
        private string? Value(string text)
        {
            text = text.Trim('"');
            string? command = text.Length > 1 && text[0] == '`' && text[^1] == '`' ? text[1..^1]
                : text.StartsWith("$(", StringComparison.Ordinal) && text.EndsWith(')') ? text[2..^1] : null;
            if (command is null)
                return text.AsSpan().ContainsAny("`$;|&") ? null : text.Trim('\'');
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words switch
            {
                ["cat", _] or ["head", "-1" or "-n1", _] or ["head", "-n", "1", _] => firstLine(words[^1]) ?? "",
                ["id", "-u" or "-g", string user] => idOf(words[1], user) ?? "",
                _ => null,
            };
        }

        private RunScript? Command(List<string> words, int server)
        {
            var unset = new List<string>();
            var unknown = new List<string>();
            string Expand(string word)
            {
                if (!word.StartsWith('$'))
                    return word;
                string name = word[1..].Trim('{', '}');
                string? value = _variables.GetValueOrDefault(name, "");
                if (value is null)
                    unknown.Add(name);
                else if (value.Length == 0)
                    unset.Add(name);
                return value ?? "";
            }

            int limit = words.FindIndex(0, server, word => word == "-m");
            var found = new RunScript { Address = "", Port = "", Line = 0, SoftLimit = limit >= 0 && limit + 1 < server ? Expand(words[limit + 1]) : null };
            int at = server + 1;
            for (; at < words.Count && words[at].Length > 1 && words[at][0] == '-'; at++)
            {
                // Flags may stand together; the last of them may take a word.
                string flags = words[at][1..];
                for (int i = 0; i < flags.Length; i++)
                {
                    if (flags[i] == 'H')
                        found = found with { NoHostNames = true };
                    if (!"cxugblt".Contains(flags[i], StringComparison.Ordinal))
                        continue;
                    string argument = Expand(i + 1 < flags.Length ? flags[(i + 1)..] : ++at < words.Count ? words[at] : "");
                    found = flags[i] switch
                    {
                        'c' => found with { Limit = argument },
                        'x' => found with { RulesFile = argument },
                        'l' => found with { LocalName = argument },
                        _ => found,
                    };
                    break;
                }
            }
            if (at + 1 >= words.Count)
                return null;
            return found with { Address = Expand(words[at]), Port = Expand(words[at + 1]), Unset = [.. unset], Unknown = [.. unknown], RequiredFile = _required };
        }

        private static bool IsName(ReadOnlySpan<char> text)
        {
            foreach (char c in text)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                    return false;
            }
            return true;
        }

        private static List<string> Words(string line)
        {
            var words = new List<string>();
            var word = new StringBuilder();
            char quote = '\0';
            bool inWord = false;
            foreach (char c in line)
            {
                if (quote != '\0' ? c == quote : c is '"' or '\'')
                {
                    quote = quote == '\0' ? c : '\0';
                    inWord = true;
                }
                else if (quote == '\0' && c is ' ' or '\t')
                {
                    End();
                }
                else
                {
                    word.Append(c);
                    inWord = true;
                }
                if (words.Count >= MaximumWords)
                    break;
            }
            End();
            return words;

            void End()
            {
                if (inWord)
                    words.Add(word.ToString());
                word.Clear();
                inWord = false;
            }
        }
    }
}
