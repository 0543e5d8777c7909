using System.Globalization;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Which release's defaults a main.cf asks for (<c>compatibility_level</c>): <c>major[.minor[.patch]]</c>.</summary>
internal readonly record struct CompatibilityLevel(int Major, int Minor, int Patch) : IComparable<CompatibilityLevel>
{
    private const int Maximum = 1023;

    public static bool TryParse(string text, out CompatibilityLevel level)
    {
        level = default;
        string[] parts = text.Split('.');
        if (parts.Length > 3)
            return false;
        int[] numbers = new int[3];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] > Maximum)
                return false;
        }
        level = new CompatibilityLevel(numbers[0], numbers[1], numbers[2]);
        return true;
    }

    public int CompareTo(CompatibilityLevel other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
}
