namespace Estafette.Program.Commands;

/// <summary>
/// The commands of smtpctl(8) and which words each takes. What fits none is answered with what could stand there, and exit status 255, as the original does.
/// </summary>
internal static class SmtpctlGrammar
{
    private const string Id = "<msgid>|<evpid>|<domain>";
    private const string Word = "<str>";

    private static readonly string[][] s_commands =
    [.. ((string[])
    [
        "encrypt", "encrypt " + Word, "log brief", "log verbose",
        "pause envelope " + Id, "pause envelope all", "pause mda", "pause mta", "pause smtp",
        "reload", "remove " + Id, "remove all",
        "resume envelope " + Id, "resume envelope all", "resume mda", "resume mta", "resume smtp",
        "schedule " + Id, "schedule all",
        "show envelope " + Id, "show hosts", "show hoststats", "show message " + Id, "show queue", "show queue " + Id,
        "show relays", "show routes", "show stats", "show status",
        "trace " + Word, "untrace " + Word, "update table " + Word,
    ]).Select(static line => line.Split(' '))];

    public static bool Knows(ReadOnlySpan<string> words)
    {
        foreach (string[] command in s_commands)
        {
            if (command.Length == words.Length && Fitting(command, words) == words.Length)
                return true;
        }
        return false;
    }

    /// <summary>The beginnings that would have been right, as far as the given words were.</summary>
    public static IReadOnlyList<string> Possibilities(ReadOnlySpan<string> words)
    {
        int right = 0;
        foreach (string[] command in s_commands)
            right = Math.Max(right, Fitting(command, words));
        var found = new List<string>();
        foreach (string[] command in s_commands)
        {
            if (Fitting(command, words) != right)
                continue;
            string shown = string.Join(' ', command.Take(right + 1));
            if (!found.Contains(shown))
                found.Add(shown);
        }
        return found;
    }

    /// <summary>How many words from the start fit.</summary>
    private static int Fitting(string[] command, ReadOnlySpan<string> words)
    {
        int i = 0;
        while (i < command.Length && i < words.Length && Fits(command[i], words[i]))
            i++;
        return i;
    }

    private static bool Fits(string pattern, string word) => pattern switch
    {
        Id => (word.Contains('.', StringComparison.Ordinal) && word.TrimStart('@').All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_') && word.Any(char.IsAsciiLetterOrDigit))
            || (word.Length is 8 or 16 && word.All(char.IsAsciiHexDigit) && word.Any(c => c != '0')),
        Word => true,
        _ => pattern == word,
    };
}
