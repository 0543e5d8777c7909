using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Every parameter of Postfix 3.7 with type, default and what setting it does here. It is read from <c>Parameters.txt</c>, which docs/postfix.md is made from too. Delivery services have
/// further ones by their names (<c>NAME_destination_concurrency_limit</c>), whose defaults are parameters themselves.
/// </summary>
internal sealed class ParameterTable
{
    /// <summary>The endings that make a service's own parameters, with the parameter that is their default (<c>postconf(1)</c>, trivial-rewrite's and qmgr's <c>transport_...</c>).</summary>
    public static ImmutableArray<(string Suffix, string Default)> ServiceParameters { get; } =
    [
        ("_time_limit", "command_time_limit"), ("_recipient_limit", "default_recipient_limit"), ("_extra_recipient_limit", "default_extra_recipient_limit"),
        ("_recipient_refill_limit", "default_recipient_refill_limit"), ("_recipient_refill_delay", "default_recipient_refill_delay"),
        ("_delivery_slot_cost", "default_delivery_slot_cost"), ("_delivery_slot_loan", "default_delivery_slot_loan"),
        ("_delivery_slot_discount", "default_delivery_slot_discount"), ("_minimum_delivery_slots", "default_minimum_delivery_slots"),
        ("_initial_destination_concurrency", "initial_destination_concurrency"), ("_destination_concurrency_limit", "default_destination_concurrency_limit"),
        ("_destination_recipient_limit", "default_destination_recipient_limit"),
        ("_destination_concurrency_positive_feedback", "default_destination_concurrency_positive_feedback"),
        ("_destination_concurrency_negative_feedback", "default_destination_concurrency_negative_feedback"),
        ("_destination_concurrency_failed_cohort_limit", "default_destination_concurrency_failed_cohort_limit"),
        ("_destination_rate_delay", "default_destination_rate_delay"), ("_transport_rate_delay", "default_transport_rate_delay"),
    ];

    private static readonly Lazy<ParameterTable> s_built = new(Read);
    private readonly FrozenDictionary<string, Parameter> _byName;

    private ParameterTable(ImmutableArray<Parameter> all)
    {
        All = all;
        _byName = all.ToFrozenDictionary(p => p.Name, StringComparer.Ordinal);
    }

    public static ParameterTable Postfix37 => s_built.Value;

    /// <summary>In the order of <c>postconf -d</c>.</summary>
    public ImmutableArray<Parameter> All { get; }

    public Parameter? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The parameters that a service has by its name.</summary>
    public static IEnumerable<(string Name, string Default)> OfService(ServiceEntry service) => service.Command switch
    {
        "pipe" => ServiceParameters.Select(p => (service.Name + p.Suffix, p.Default)),
        "spawn" => [(service.Name + ServiceParameters[0].Suffix, ServiceParameters[0].Default)],
        "smtp" or "lmtp" or "local" or "virtual" or "error" => ServiceParameters.Skip(1).Select(p => (service.Name + p.Suffix, p.Default)),
        _ => [],
    };

    private static ParameterTable Read()
    {
        using Stream resource = typeof(ParameterTable).Assembly.GetManifestResourceStream("Estafette.Config.Dialects.Postfix.Parameters.txt")
            ?? throw new InvalidOperationException("the table of Postfix's parameters is missing from the program");
        using var reader = new StreamReader(resource, Encoding.UTF8);
        var all = ImmutableArray.CreateBuilder<Parameter>(900);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
                all.Add(Row(line));
        }
        return new ParameterTable(all.ToImmutable());
    }

    private static Parameter Row(string line)
    {
        string[] columns = line.Split('\t', 4);
        string type = columns[1];
        (long least, long most) = (0, 0);
        int range = type.IndexOf('(', StringComparison.Ordinal);
        if (range >= 0)
        {
            string[] bounds = type[(range + 1)..^1].Split(',');
            (least, most) = (long.Parse(bounds[0], CultureInfo.InvariantCulture), long.Parse(bounds[1], CultureInfo.InvariantCulture));
            type = type[..range];
        }
        string[] status = columns[2].Split(':', 2);
        return new Parameter
        {
            Name = columns[0],
            Type = type.TrimEnd('+') switch { "text" => ParameterType.Text, "raw" => ParameterType.Raw, "flag" => ParameterType.Flag, "number" => ParameterType.Number, _ => ParameterType.Time },
            Default = columns[3],
            Support = status[0] switch { "supported" => Support.Supported, "none" => Support.NoEffect, "later" => Support.Later, "refused" => Support.Refused, _ => Support.Open },
            Reason = status.Length > 1 ? status[1] : "",
            NotEmpty = type.EndsWith('+'),
            Least = least,
            Most = most,
            Unit = type.StartsWith("time:", StringComparison.Ordinal) ? type[5] : 's',
        };
    }
}
