using System.Collections.Immutable;
using System.Text;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>One entry of master.cf as words: eight columns, then options (<c>-o</c> and its <c>name=value</c> two words), then what belongs to the command. Braces are taken off, and put back where a word holds blanks.</summary>
internal sealed class MasterLine
{
    private const string Blanks = " \t\r\n";
    private const int WidestLine = 80;
    private const int Indent = 4;

    /// <summary>The names of the columns in <c>-F</c>.</summary>
    public static readonly string[] Fields = ["service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"];

    private static readonly int[] s_columns = [0, 11, 17, 25, 33, 41, 49, 57];
    private readonly List<string> _words;

    private MasterLine(List<string> words) => _words = words;

    public string Name => _words[0];
    public string Type => _words[1];
    public string Command => _words[MasterCf.Columns - 1];
    public string NameSpace => Name + "/" + Type;

    /// <summary>The <c>-o</c> settings in order.</summary>
    public IEnumerable<(string Name, string Value)> Settings
    {
        get
        {
            foreach (int at in Options().Where(IsOverride))
            {
                if (Words.TrySplitSetting(_words[at + 1], out string name, out string value, out _))
                    yield return (name, value);
            }
        }
    }

    /// <summary>Null when it is none: <paramref name="problem"/> says why, or the output failed.</summary>
    public static MasterLine? Parse(string text, PostconfOutput output, out string? problem)
    {
        problem = null;
        ImmutableArray<string> words = Words.Split(text, Blanks);
        if (words.Length < MasterCf.Columns)
        {
            problem = "bad field count";
            return null;
        }
        var line = new MasterLine([.. words]);
        if (!line.Check(text, output))
            return null;
        line.Normalize(output);
        return line;
    }

    public ServiceEntry ToEntry() => new()
    {
        Name = Name,
        Type = Type,
        Command = Command,
        Overrides = [.. Settings.Select(s => new Setting(s.Name, s.Value, Model.SourceSpan.None))],
        At = Model.SourceSpan.None,
    };

    /// <summary>Replaces one column; the command with all that follows it.</summary>
    public bool SetField(int field, string value, PostconfOutput output)
    {
        if (field == MasterCf.Columns - 1)
        {
            _words.RemoveRange(field, _words.Count - field);
            _words.AddRange(Words.Split(value, Blanks));
            Normalize(output);
        }
        else
            _words[field] = value;
        return Check(value, output);
    }

    public void SetParameter(string name, string value)
    {
        bool found = false;
        foreach (int at in Options().Where(o => IsOverride(o) && _words[o + 1].StartsWith(name + "=", StringComparison.Ordinal)))
        {
            _words[at + 1] = name + "=" + value;
            found = true;
        }
        if (!found)
            _words.InsertRange(EndOfOptions(), ["-o", name + "=" + value]);
    }

    public void RemoveParameter(string name)
    {
        foreach (int at in Options().Where(o => IsOverride(o) && _words[o + 1].StartsWith(name + "=", StringComparison.Ordinal)).Reverse())
            _words.RemoveRange(at, 2);
    }

    /// <summary>The whole entry in columns.</summary>
    /// <param name="expand">Replaces the names in values; null leaves them.</param>
    public string Show(bool fold, Func<string, string>? expand = null)
    {
        var text = new StringBuilder();
        for (int field = 0; field < MasterCf.Columns; field++)
        {
            if (text.Length > 0)
                text.Append(' ', Math.Max(1, s_columns[field] - text.Length));
            text.Append(_words[field]);
        }
        Arguments(text, text.Length, fold, expand, optionRoom: 3);
        return text.Append('\n').ToString();
    }

    /// <summary>One column, the command with its arguments.</summary>
    public string ShowField(int field, PostconfModes modes, Func<string, string>? expand)
    {
        var text = new StringBuilder();
        if ((modes & PostconfModes.HideName) == 0)
            text.Append(NameSpace).Append('/').Append(Fields[field]);
        if ((modes & (PostconfModes.HideName | PostconfModes.HideValue)) == 0)
            text.Append(" = ");
        if ((modes & PostconfModes.HideValue) == 0)
        {
            int length = text.Length;
            if (length > 0 && length + _words[field].Length > WidestLine)
            {
                text.Append('\n').Append(' ', Indent);
                length = Indent;
            }
            text.Append(_words[field]);
            if (field == MasterCf.Columns - 1)
                Arguments(text, length + _words[field].Length, (modes & PostconfModes.Fold) != 0, expand, optionRoom: 1);
        }
        return text.Append('\n').ToString();
    }

    /// <summary>An option with its value stays on one line, and has it for itself when lines are folded.</summary>
    private void Arguments(StringBuilder text, int length, bool fold, Func<string, string>? expand, int optionRoom)
    {
        int options = EndOfOptions();
        for (int at = MasterCf.Columns; at < _words.Count; at++)
        {
            string word = _words[at];
            bool isOption = at < options;
            string? value = isOption && TakesValue(word) && at + 1 < _words.Count ? _words[at + 1] : null;
            if (value is not null && word == "-o" && expand is not null)
                value = expand(value);
            bool braces = (value ?? (isOption ? "" : word)).AsSpan().ContainsAny(Blanks);
            int room = word.Length + (value is null ? 0 : value.Length + optionRoom + (braces ? 2 : 0));
            if (value is not null)
                length = WidestLine;
            if (length > Indent)
            {
                if (fold && length + 1 + room >= WidestLine)
                {
                    text.Append('\n').Append(' ', Indent);
                    length = Indent;
                }
                else
                {
                    text.Append(' ');
                    length++;
                }
            }
            string shown = value is null && braces ? "{" + word + "}" : word;
            text.Append(shown);
            length += shown.Length;
            if (value is null)
                continue;
            text.Append(' ').Append(braces ? "{" + value + "}" : value);
            length = WidestLine;
            at++;
        }
    }

    private bool Check(string text, PostconfOutput output)
    {
        if (Type is not ("unix" or "fifo" or "inet" or "pass" or "unix-dgram"))
            return Fail("type", Type);
        for (int field = 2; field <= 4; field++)
        {
            if (_words[field] is not ("y" or "n" or "-"))
                return Fail(Fields[field], _words[field]);
        }
        string wakeup = _words[5].EndsWith('?') ? _words[5][..^1] : _words[5];
        if (wakeup != "-" && !wakeup.All(char.IsAsciiDigit))
            return Fail(Fields[5], _words[5]);
        return _words[6] == "-" || _words[6].All(char.IsAsciiDigit) || Fail(Fields[6], _words[6]);

        bool Fail(string name, string value)
        {
            output.Fail("invalid " + name + " field \"" + value + "\" in \"" + text.Replace('\n', ' ') + "\"");
            return false;
        }
    }

    /// <summary><c>-oname=value</c> becomes two words, <c>{ name = value }</c> becomes <c>name=value</c>, and every braced word loses its braces.</summary>
    private void Normalize(PostconfOutput output)
    {
        int at = MasterCf.Columns;
        for (; at < _words.Count && IsOption(_words[at]); at++)
        {
            int value = _words[at].IndexOf('o', 2 <= _words[at].Length ? 2 : _words[at].Length);
            if (!TakesValue(_words[at]) && value > 0)
            {
                _words.Insert(at + 1, "-" + _words[at][value..]);
                _words[at] = _words[at][..value];
            }
            if (!TakesValue(_words[at]))
                continue;
            if (_words[at].Length > 2)
            {
                _words.Insert(at + 1, _words[at][2..]);
                _words[at] = "-o";
            }
            else if (at + 1 >= _words.Count)
                continue;
            at++;
            if (_words[at].StartsWith('{'))
                Unwrap(at, output, isSetting: true);
        }
        for (; at < _words.Count; at++)
        {
            if (_words[at].StartsWith('{'))
                Unwrap(at, output, isSetting: false);
        }
    }

    private void Unwrap(int at, PostconfOutput output, bool isSetting)
    {
        string? bare = Words.Braced(_words[at], out string? problem);
        if (problem is not null)
            output.Warn("master.cf: " + problem);
        bare ??= _words[at].TrimStart('{').TrimEnd('}').Trim(Blanks.ToCharArray());
        if (isSetting && Words.TrySplitSetting(bare, out string name, out string value, out string? wrong))
            bare = name + "=" + value;
        else if (isSetting)
            output.Warn("master.cf: missing '=' after attribute name: \"" + bare + "\"");
        _words[at] = bare;
    }

    private IEnumerable<int> Options()
    {
        int end = EndOfOptions();
        var found = new List<int>();
        for (int at = MasterCf.Columns; at < end; at++)
        {
            found.Add(at);
            if (TakesValue(_words[at]))
                at++;
        }
        return found;
    }

    private int EndOfOptions()
    {
        int at = MasterCf.Columns;
        while (at < _words.Count && IsOption(_words[at]))
            at += TakesValue(_words[at]) && at + 1 < _words.Count ? 2 : 1;
        return at;
    }

    private bool IsOverride(int at) => _words[at] == "-o" && at + 1 < _words.Count;

    private static bool IsOption(string word) => word.Length > 0 && word[0] == '-' && word != "--";

    private static bool TakesValue(string word) => word.Length > 1 && word[1] == 'o';
}
