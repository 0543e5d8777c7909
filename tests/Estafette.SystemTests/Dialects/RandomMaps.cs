using System.Text;

namespace Estafette.SystemTests.Dialects;

/// <summary>Small tables as a careless administrator writes them, and keys to ask of them; the same for the same seed.</summary>
internal sealed class RandomMaps(int seed)
{
    private static readonly string[] s_names = ["a", "b", "user", "User", "user+ext", "x@y.test", "@y.test", "Y.TEST", ".y.test", "\"a b\"@y.test", "\"q", "ü", "Ünï", "a:", "\\x", "1.2.3", "postmaster"];
    private static readonly string[] s_values = ["1", "two words", " padded ", "REJECT", "OK", "é", "\"quoted\"", "a,b", "smtp:[h]:25", "#no", ":x"];
    private static readonly string[] s_aliases = ["root", "\"a b\"", "list-request", "a.b", "x@y", "", "a,b", "Root", "ü", "<x>"];
    private static readonly string[] s_targets = ["root", "a, b", "|\"cmd x\"", "/file", ":include:/x", "\"a b\"@c", "x@[1.2.3.4]", "a b c", "", "c (comment)", "\\root", "a,\n b"];

    private readonly Random _random = new(seed);

    public string Text()
    {
        var text = new StringBuilder();
        for (int i = _random.Next(12); i >= 0; i--)
        {
            text.Append(_random.Next(14) switch
            {
                0 => "# comment",
                1 => "",
                2 => "   continued " + Pick(s_values),
                3 => "\t# indented comment",
                4 => Pick(s_names),
                5 => " \t",
                _ => Pick(s_names) + Pick([" ", "\t", "   ", " \t "]) + Pick(s_values),
            }).Append(Pick(["\n", "\n", "\n", "\r\n"]));
        }
        return text.ToString();
    }

    public string Aliases()
    {
        var text = new StringBuilder();
        for (int i = _random.Next(10); i >= 0; i--)
        {
            text.Append(_random.Next(10) switch
            {
                0 => "# comment",
                1 => "  more, targets",
                2 => Pick(s_aliases),
                _ => Pick(s_aliases) + Pick([":", ": ", " : ", ":\t"]) + Pick(s_targets),
            }).Append('\n');
        }
        return text.ToString();
    }

    public string[] Keys() => [.. s_names, "none", "USER", "c", "y.test", "üx"];

    public string[] AliasKeys() => ["root", "a b", "list-request", "a.b", "ROOT", "ü", "<x>", "a", "@"];

    public string Cidr()
    {
        var text = new StringBuilder();
        for (int i = _random.Next(10); i >= 0; i--)
        {
            string not = Pick(["", "", "", "!", "! ", "!!"]);
            text.Append(_random.Next(12) switch
            {
                0 => "if " + not + Network(),
                1 => "endif",
                2 => "ENDIF junk",
                3 => Network(),
                4 => "IF",
                5 => "junk value",
                _ => not + Network() + " r" + i,
            }).Append('\n');
        }
        return text.ToString();
    }

    public string[] Addresses() => [.. Enumerable.Range(0, 8).Select(_ => Address()), "::1", "2001:db8::1", "2001:db8:0:0:0:0:0:2", "not an address", "1.2.3", "01.2.3.4"];

    public string Regexp()
    {
        var text = new StringBuilder();
        for (int i = _random.Next(6); i >= 0; i--)
            text.Append(Rule(i, Posix(3), Pick(["", "", "", "i", "m", "im", "x"]), posix: true));
        return text.ToString();
    }

    public string Pcre()
    {
        var text = new StringBuilder();
        for (int i = _random.Next(6); i >= 0; i--)
            text.Append(Rule(i, Perl(3), Pick(["", "", "", "i", "m", "s", "A", "E", "U", "ix"]), posix: false));
        return text.ToString();
    }

    public string[] Lines() => [.. Enumerable.Range(0, 12).Select(_ => Line())];

    private string Line()
    {
        var line = new StringBuilder();
        for (int i = _random.Next(9); i >= 0; i--)
            line.Append(Pick(["a", "b", "c", "A", "1", " ", ".", "-", "@", "ab", "é"]));
        return line.ToString();
    }

    private string Rule(int number, string pattern, string flags, bool posix)
    {
        char delimiter = Pick(["/", "/", "/", "|", "~"])[0];
        pattern = pattern.Replace(delimiter.ToString(), "\\" + delimiter, StringComparison.Ordinal);
        // What a group of a repeated group holds is a matter of taste between POSIX and Perl.
        bool isPlain = !posix || !(pattern.Contains(")*", StringComparison.Ordinal) || pattern.Contains(")+", StringComparison.Ordinal) || pattern.Contains(")?", StringComparison.Ordinal) || pattern.Contains("){", StringComparison.Ordinal));
        string rule = $"{Pick(["", "", "", "!"])}{delimiter}{pattern}{delimiter}{flags}";
        return _random.Next(12) switch
        {
            0 => $"if {rule}\n",
            1 => "endif\n",
            2 => $"{rule}\n",
            3 when posix => $"{rule}!/{Posix(1)}/ r{number}\n",
            4 => $"{rule} $$1 ${{2}}\n",
            5 => $"{rule} $x\n",
            6 or 7 when isPlain => $"{rule} r{number} <$1>\n",
            _ => $"{rule} r{number}\n",
        };
    }

    /// <summary>Without alternatives whose length decides what a group holds: POSIX and Perl choose differently there.</summary>
    private string Posix(int depth) => depth == 0 ? Pick(["a", "b", "c", ".", "[ab]", "[^a]", "[[:digit:]]", "[a-c]", "[]b]", "\\.", "^", "$", "-", "@", "[[:alpha:]-]", "\\w", "\\d", "\\<", "1"]) : _random.Next(9) switch
    {
        0 => Posix(depth - 1) + "*",
        1 => Posix(depth - 1) + Pick(["+", "?", "{2}", "{1,}", "{0,2}", "**", "{", "{2,1}"]),
        2 => "(" + Posix(depth - 1) + ")",
        3 => Pick(["(", ")", "[", "*", ""]) + Posix(depth - 1),
        4 => "(" + Pick(["a", "b"]) + "|" + Pick(["c", "1"]) + ")" + Posix(depth - 1),
        _ => Posix(depth - 1) + Posix(depth - 1),
    };

    private string Perl(int depth) => depth == 0 ? Pick(["a", "b", "c", ".", "[ab]", "[^a]", "[\\d]", "[a-c]", "[]b]", "\\.", "^", "$", "-", "@", "\\w", "\\d", "\\b", "\\s", "\\x61", "\\141", "[\\w-]", "\\Qa.\\E", "\\h", "(?i)", "\\S", "\\W"]) : _random.Next(12) switch
    {
        0 => Perl(depth - 1) + "*",
        1 => Perl(depth - 1) + Pick(["+", "?", "{2}", "{1,}", "{0,2}", "*?", "++", "{", "{,2}", "**"]),
        2 => "(" + Perl(depth - 1) + ")",
        3 => "(?:" + Perl(depth - 1) + ")",
        4 => Pick(["(?=", "(?!"]) + Perl(depth - 1) + ")",
        5 => "(?<n" + _random.Next(3) + ">" + Perl(depth - 1) + ")",
        6 => "(" + Pick(["a", "ab", ""]) + "|" + Perl(depth - 1) + ")",
        7 => Pick(["(", ")", "[", "*", "\\1", "(a)\\1"]) + Perl(depth - 1),
        _ => Perl(depth - 1) + Perl(depth - 1),
    };

    private string Network() => _random.Next(8) switch
    {
        0 => Pick(["2001:db8::/32", "[2001:db8::]/32", "[::1]", "::/0", "2001:db8::1/32", "[2001:db8::/32]"]),
        1 => Pick(["10.0.0.0/33", "10.0.0.1/8", "10/8", "300.1.1.1", "10.0.0.0/x", "[10.0.0.0", "10.0.0.0/"]),
        2 => Address(),
        3 => "0.0.0.0/0",
        _ => $"{_random.Next(2) + 10}.{_random.Next(2)}.0.0/{Pick(["16", "15", "24", "32"])}",
    };

    private string Address() => $"{_random.Next(2) + 10}.{_random.Next(2)}.{_random.Next(2)}.{_random.Next(2)}";

    private string Pick(string[] choices) => choices[_random.Next(choices.Length)];
}
