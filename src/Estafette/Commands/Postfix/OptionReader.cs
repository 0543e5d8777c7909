namespace Estafette.Program.Commands.Postfix;

/// <summary>Options as getopt(3) reads them: one letter each, several in a word, values in the same word or the next; they end at the first other word or at <c>--</c>.</summary>
internal sealed class OptionReader(string letters, IReadOnlyList<string> args)
{
    private int _word;
    private int _at;

    /// <summary>What is wrong, in getopt's words; null while nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>The words behind the options.</summary>
    public IReadOnlyList<string> Rest => [.. args.Skip(_word)];

    /// <summary>The next option and its value (empty where it takes none); null at the end or when one is wrong.</summary>
    public (char Letter, string Value)? Next()
    {
        if (Problem is not null || _word >= args.Count)
            return null;
        string word = args[_word];
        if (_at == 0)
        {
            if (word.Length < 2 || word[0] != '-')
                return null;
            _at = 1;
            if (word == "--")
            {
                _word++;
                return null;
            }
        }
        char letter = word[_at++];
        int known = letter == ':' ? -1 : letters.IndexOf(letter, StringComparison.Ordinal);
        if (known < 0)
        {
            Problem = $"invalid option -- '{letter}'";
            return null;
        }
        bool takesValue = known + 1 < letters.Length && letters[known + 1] == ':';
        if (!takesValue)
        {
            if (_at == word.Length)
                NextWord();
            return (letter, "");
        }
        string? value = _at < word.Length ? word[_at..] : _word + 1 < args.Count ? args[++_word] : null;
        NextWord();
        if (value is null)
            Problem = $"option requires an argument -- '{letter}'";
        return value is null ? null : (letter, value);
    }

    private void NextWord()
    {
        _word++;
        _at = 0;
    }
}
