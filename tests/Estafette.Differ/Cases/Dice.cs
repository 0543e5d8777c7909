namespace Estafette.Differ.Cases;

/// <summary>All chance of a case: the same seed throws the same.</summary>
internal sealed class Dice(int seed)
{
    private readonly Random _random = new(seed);

    public bool Chance(int percent) => _random.Next(100) < percent;

    public int Number(int least, int most) => _random.Next(least, most + 1);

    public T One<T>(params IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    /// <summary>Between <paramref name="least"/> and <paramref name="most"/> different ones, in any order.</summary>
    public IReadOnlyList<T> Some<T>(int least, int most, params IEnumerable<T> from)
    {
        T[] shuffled = [.. from];
        _random.Shuffle(shuffled);
        return shuffled[..Math.Min(shuffled.Length, Number(least, most))];
    }
}
