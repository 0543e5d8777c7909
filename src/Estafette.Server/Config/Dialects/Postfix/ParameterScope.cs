using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// The values that hold for one service or for the whole: <c>-o</c> of master.cf before main.cf before the defaults (<c>postconf(5)</c>). Values are as written; <see cref="Expand"/> replaces the names in them.
/// </summary>
internal sealed class ParameterScope
{
    private readonly PostfixSettings _settings;
    private readonly ServiceEntry? _service;
    private readonly Dictionary<string, Setting> _overrides = new(StringComparer.Ordinal);

    /// <summary>Defaults that are being found: one that leads back to itself is empty there.</summary>
    private readonly HashSet<string> _finding = new(StringComparer.Ordinal);

    public ParameterScope(PostfixSettings settings, ServiceEntry? service = null)
    {
        _settings = settings;
        _service = service;
        foreach (Setting setting in service?.Overrides ?? [])
            _overrides[setting.Name] = setting;
    }

    public ServiceEntry? Service => _service;

    /// <summary>The setting that holds; null where the default does.</summary>
    public Setting? Find(string name) => _overrides.GetValueOrDefault(name) ?? _settings.Main.GetValueOrDefault(name);

    /// <summary>The value that holds, not expanded; null where there is no such name at all.</summary>
    public string? Raw(string name) => Find(name)?.Value ?? Default(name);

    /// <summary>The default, not expanded; null where the name has none.</summary>
    public string? Default(string name)
    {
        if (name is not ("myhostname" or "mydomain" or "mynetworks"))
            return Fixed(name);
        if (!_finding.Add(name))
            return "";
        string value = OfMachine(name);
        _finding.Remove(name);
        return value;
    }

    private string OfMachine(string name) => name switch
    {
        "myhostname" => MachineDefaults.HostName(_settings.Machine, Find("mydomain") is { } domain ? Expand(domain.Value, out _) : null),
        "mydomain" => MachineDefaults.Domain(Value("myhostname")),
        _ => MachineDefaults.Networks(MachineDefaults.OwnAddresses(_settings.Machine, Words.Split(Value("inet_interfaces")), Words.Split(Value("inet_protocols"))), Value("mynetworks_style")),
    };

    private string? Fixed(string name) => name switch
    {
        "process_name" => _service?.Command ?? _settings.ProcessName,
        "process_id" => Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture),
        "service_name" => _service?.Name ?? "",
        _ => _settings.Table.Find(name)?.Default ?? (_settings.ServiceDefaults.TryGetValue(name, out string? of) ? "$" + of : null),
    };

    /// <summary>The text with the values of the names in it; null with the reason where that cannot be.</summary>
    public string? Expand(string text, out string? problem) => MacroExpansion.Expand(text, Raw, out problem);

    private string Value(string name) => Expand(Raw(name) ?? "", out _) ?? "";
}

/// <summary>What main.cf and master.cf say, before it means anything.</summary>
internal sealed record PostfixSettings
{
    public required ParameterTable Table { get; init; }
    public required IMachine Machine { get; init; }

    /// <summary>Of main.cf: of two of one name the last.</summary>
    public required ImmutableDictionary<string, Setting> Main { get; init; }
    public ImmutableArray<ServiceEntry> Services { get; init; } = [];

    /// <summary><c>$process_name</c> where no service is meant.</summary>
    public string ProcessName { get; init; } = "master";

    /// <summary>The parameters that services have by their names, with the parameter that is their default.</summary>
    public ImmutableDictionary<string, string> ServiceDefaults { get; init; } = ImmutableDictionary<string, string>.Empty;

    public static PostfixSettings Of(ImmutableArray<Setting> main, ImmutableArray<ServiceEntry> services, IMachine machine)
    {
        var byName = ImmutableDictionary.CreateBuilder<string, Setting>(StringComparer.Ordinal);
        foreach (Setting setting in main)
            byName[setting.Name] = setting;
        var defaults = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((string name, string of) in services.SelectMany(ParameterTable.OfService))
            defaults.TryAdd(name, of);
        return new PostfixSettings { Table = ParameterTable.Postfix37, Machine = machine, Main = byName.ToImmutable(), Services = services, ServiceDefaults = defaults.ToImmutable() };
    }
}
