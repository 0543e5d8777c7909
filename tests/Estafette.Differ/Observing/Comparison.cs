namespace Estafette.Differ.Observing;

/// <summary>One place where two observations differ: lines only the first has (`-`), lines only the second has (`+`).</summary>
internal sealed record Difference(string Section, bool WordsOnly, IReadOnlyList<string> Lines)
{
    public override string ToString() => $"{Section}{(WordsOnly ? " (words)" : "")}\n" + string.Concat(Lines.Select(l => "    " + l + "\n"));
}

/// <summary>Holds two observations side by side, section by section.</summary>
internal static class Comparison
{
    public static IReadOnlyList<Difference> Of(Observation expected, Observation actual)
    {
        var differences = new List<Difference>();
        Dictionary<(string, int), List<string>> left = Numbered(expected), right = Numbered(actual);
        foreach ((string Title, int) key in left.Keys.Concat(right.Keys).Distinct().Where(k => k.Item1 != Observation.Log))
        {
            List<string> a = left.GetValueOrDefault(key, ["(nothing)"]), b = right.GetValueOrDefault(key, ["(nothing)"]);
            Add(false, l => !l.StartsWith('~'));
            Add(true, l => l.StartsWith('~'));

            void Add(bool words, Func<string, bool> which)
            {
                IReadOnlyList<string> lines = Lines([.. a.Where(which)], [.. b.Where(which)]);
                if (lines.Count > 0)
                    differences.Add(new Difference(key.Title, words, lines));
            }
        }
        return differences;
    }

    private static Dictionary<(string, int), List<string>> Numbered(Observation observation)
    {
        var count = new Dictionary<string, int>();
        var sections = new Dictionary<(string, int), List<string>>();
        foreach ((string title, List<string> lines) in observation.Sections)
        {
            int number = count[title] = count.GetValueOrDefault(title) + 1;
            sections[(title, number)] = lines;
        }
        return sections;
    }

    /// <summary>The longest common subsequence stays out; what is left is told.</summary>
    private static List<string> Lines(string[] a, string[] b)
    {
        int[,] common = new int[a.Length + 1, b.Length + 1];
        for (int i = a.Length - 1; i >= 0; i--)
        {
            for (int j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }
        var lines = new List<string>();
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j])
                (i, j) = (i + 1, j + 1);
            else if (j == b.Length || (i < a.Length && common[i + 1, j] >= common[i, j + 1]))
                lines.Add("- " + a[i++]);
            else
                lines.Add("+ " + b[j++]);
        }
        return lines;
    }
}
