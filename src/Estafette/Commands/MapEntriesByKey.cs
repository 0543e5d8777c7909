namespace Estafette.Program.Commands;

/// <summary>Entries of a compiled file in the order in which their keys came.</summary>
internal sealed class MapEntriesByKey
{
    private readonly List<KeyValuePair<string, string>?> _rows = [];
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    /// <summary>What warnings call the file.</summary>
    public string Shown { get; init; } = "";

    public IEnumerable<KeyValuePair<string, string>> All => _rows.OfType<KeyValuePair<string, string>>();

    /// <summary>False where the key is there already; its value is replaced only where that is asked.</summary>
    public bool Add(string key, string value, bool replace)
    {
        if (_places.TryAdd(key, _rows.Count))
        {
            _rows.Add(KeyValuePair.Create(key, value));
            return true;
        }
        if (replace)
            _rows[_places[key]] = KeyValuePair.Create(key, value);
        return replace;
    }

    public bool Remove(string key)
    {
        if (!_places.Remove(key, out int place))
            return false;
        _rows[place] = null;
        return true;
    }
}
