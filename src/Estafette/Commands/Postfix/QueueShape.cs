using System.Globalization;
using System.Text;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// The table of qshape(1): how many recipients (or messages, by sender) wait for each domain, by age. Pure. The number of domains it remembers is bounded; what comes after
/// that is counted in the total only.
/// </summary>
internal sealed class QueueShape(QueueShapeOptions options)
{
    /// <summary>Different domains that are counted, parents included.</summary>
    public const int MaximumDomains = 1_000_000;

    private const string Total = "TOTAL";

    /// <summary>Least width of the domain's column.</summary>
    private const int DomainWidth = 18;

    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal) { [Total] = new Row(options.Buckets) };

    private sealed class Row(int buckets)
    {
        /// <summary>The first is the sum of the others.</summary>
        public long[] Counts { get; } = new long[buckets + 1];
        public int Children { get; set; }
    }

    /// <summary>Counts one address that has waited for <paramref name="age"/>.</summary>
    public void Add(string address, TimeSpan age)
    {
        int bucket = Bucket(age);
        Count(_rows[Total], bucket);
        bool isNew = false;
        for (string? domain = Domain(address); domain is not null; domain = options.Parents ? Parent(domain) : null)
        {
            if (!_rows.TryGetValue(domain, out Row? row))
            {
                if (_rows.Count >= MaximumDomains)
                    return;
                _rows[domain] = row = new Row(options.Buckets);
            }
            if (isNew)
                row.Children++;
            isNew = row.Counts[0] == 0;
            Count(row, bucket);
        }
    }

    /// <summary>The table: at most <paramref name="most"/> lines, or all for 0.</summary>
    public string Print(int most = 0)
    {
        var text = new StringBuilder();
        Row total = _rows[Total];
        string[] heads = new string[options.Buckets + 1];
        int[] widths = new int[options.Buckets + 1];
        int left = options.Width;
        long age = 0;
        for (int i = 0; i <= options.Buckets; i++)
        {
            heads[i] = i == 0 ? "T" : age.ToString(CultureInfo.InvariantCulture) + (i == options.Buckets ? "+" : "");
            int length = Math.Max(heads[i].Length, total.Counts[i].ToString(CultureInfo.InvariantCulture).Length);
            widths[i] = length > 2 ? length + 1 : 3;
            left -= widths[i];
            if (i + 1 < options.Buckets)
                age += age > 0 && !options.Linear ? age : options.BucketMinutes;
        }
        left = Math.Max(left, DomainWidth);
        Line(text, "", heads, widths, left);
        int shown = 0;
        foreach ((string domain, Row row) in _rows.OrderByDescending(r => r.Value.Counts[0]).ThenBy(r => r.Key.Length).ThenBy(r => r.Key, StringComparer.Ordinal))
        {
            if (domain.StartsWith('.') && row.Children < options.LeastChildren)
                continue;
            if (most > 0 && ++shown > most)
                break;
            Line(text, domain, [.. row.Counts.Select(c => c.ToString(CultureInfo.InvariantCulture))], widths, left);
        }
        return text.ToString();
    }

    private static void Count(Row row, int bucket)
    {
        row.Counts[0]++;
        row.Counts[bucket]++;
    }

    private int Bucket(TimeSpan age)
    {
        double units = age.TotalMinutes / options.BucketMinutes;
        if (units < 1)
            return 1;
        int bucket = options.Linear ? (int)Math.Min(units + 1, int.MaxValue) : 2 + (int)Math.Log2(units);
        return Math.Min(bucket, options.Buckets);
    }

    private static string Domain(string address)
    {
        if (address.Length == 0)
            return "MAILER-DAEMON";
        string domain = address[(address.LastIndexOf('@') + 1)..].ToLowerInvariant().Trim('.');
        while (domain.Contains("..", StringComparison.Ordinal))
            domain = domain.Replace("..", ".", StringComparison.Ordinal);
        return domain;
    }

    /// <summary><c>.example.org</c> of <c>www.example.org</c>; null where only a top-level domain would be left.</summary>
    private static string? Parent(string domain)
    {
        int dot = domain.IndexOf('.', domain.StartsWith('.') ? 1 : 0);
        return dot < 0 || domain.IndexOf('.', dot + 1) < 0 ? null : domain[dot..];
    }

    private static void Line(StringBuilder text, string name, string[] cells, int[] widths, int left)
    {
        if (name.Length > left)
            name = name.StartsWith('.') ? ".+" + name[^(left - 2)..] : "+" + name[^(left - 1)..];
        text.Append(name.PadLeft(left));
        for (int i = 0; i < cells.Length; i++)
            text.Append(cells[i].PadLeft(widths[i]));
        text.Append('\n');
    }
}

/// <param name="Buckets">Columns of ages.</param>
/// <param name="BucketMinutes">The first column's age.</param>
/// <param name="Linear">Each column has the same width in time; otherwise each is twice as long as the one before.</param>
/// <param name="Parents">Sums for parent domains too.</param>
/// <param name="LeastChildren">Subdomains that make a parent worth a line.</param>
/// <param name="Width">Columns of the terminal.</param>
internal sealed record QueueShapeOptions(int Buckets = 10, int BucketMinutes = 5, bool Linear = false, bool Parents = false, int LeastChildren = 5, int Width = 80);
