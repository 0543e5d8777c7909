namespace Estafette.Config;

/// <summary>Finds the word that was probably meant.</summary>
public static class Spelling
{
    /// <summary>Words longer than this are no misspelt keywords; it bounds the work on any input.</summary>
    private const int LongestWord = 48;

    /// <summary>The nearest candidate within one slip for every three letters (at most three); null when none is near enough.</summary>
    public static string? Closest(string word, IEnumerable<string> candidates)
    {
        if (word.Length is 0 or > LongestWord)
            return null;
        string lower = word.ToLowerInvariant();
        string? best = null;
        int bestWeight = int.MaxValue;
        foreach (string candidate in candidates)
        {
            if (candidate.Length > LongestWord || string.Equals(candidate, word, StringComparison.Ordinal))
                continue;
            int allowed = Math.Clamp(Math.Max(word.Length, candidate.Length) / 3, 1, 3);
            int distance = Distance(lower, candidate.ToLowerInvariant());
            if (distance > allowed || distance >= Math.Min(word.Length, candidate.Length))
                continue;

            // Of two that are equally near, letters in the wrong order are likelier than letters left out.
            int weight = (2 * distance) + (candidate.Length == word.Length ? 0 : 1);
            if (weight >= bestWeight)
                continue;
            best = candidate;
            bestWeight = weight;
        }
        return best;
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.</summary>
    private static int Distance(string a, string b)
    {
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int same = a[i - 1] == b[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(Math.Min(cost[i - 1, j] + 1, cost[i, j - 1] + 1), cost[i - 1, j - 1] + same);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
