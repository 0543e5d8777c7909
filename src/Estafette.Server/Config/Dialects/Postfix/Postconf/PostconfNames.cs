using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>
/// Which names count (<c>postconf(1)</c>): Postfix's own, those that services have by their names, and the administrator's where some value uses them and somebody sets them. What is set and counts
/// nowhere is unused, what is used and set nowhere is undefined; both are told.
/// </summary>
internal sealed class PostconfNames
{
    /// <summary>Old names that defaults still look at: they count, but are shown only where they are set.</summary>
    private static readonly ImmutableHashSet<string> s_old =
    [
        "virtual_maps", "fallback_relay", "authorized_verp_clients", "smtpd_client_connection_limit_exceptions", "postscreen_dnsbl_ttl", "postscreen_blacklist_action",
        "postscreen_dnsbl_whitelist_threshold", "postscreen_whitelist_interfaces", "lmtp_per_record_deadline", "smtp_per_record_deadline", "smtpd_per_record_deadline", "tlsproxy_client_level",
        "tlsproxy_client_policy",
    ];

    private static readonly ImmutableHashSet<string> s_readOnly = ["process_id", "process_name", "service_name"];
    private readonly PostconfRequest _request;
    private readonly PostconfOutput _output;
    private readonly HashSet<string> _user = new(StringComparer.Ordinal);
    private readonly Dictionary<MasterLine, HashSet<string>> _local = [];
    private readonly HashSet<string> _classes = new(StringComparer.Ordinal);

    public PostconfNames(PostconfRequest request, PostconfOutput output, PostfixSettings settings)
    {
        (_request, _output, Settings) = (request, output, settings);
    }

    public PostfixSettings Settings { get; private set; }

    public static bool IsOld(string name) => s_old.Contains(name);

    /// <summary>The class of a name that counts in main.cf; 0 for one that does not.</summary>
    public ParameterClasses ClassOf(string name) =>
        Settings.ServiceDefaults.ContainsKey(name) ? ParameterClasses.Service
        : Settings.Table.Find(name) is not null ? ParameterClasses.Builtin
        : _user.Contains(name) || (IsOld(name) && Settings.Main.ContainsKey(name)) ? ParameterClasses.User : 0;

    /// <summary>Every name that counts, in order.</summary>
    public IEnumerable<string> All =>
        Settings.Table.All.Select(p => p.Name).Concat(Settings.ServiceDefaults.Keys).Concat(_user).Concat(s_old.Where(Settings.Main.ContainsKey)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    public bool IsRaw(string name) => Settings.Table.Find(name)?.Type == ParameterType.Raw;

    /// <summary>Finds the administrator's names; what no program takes from a file is taken out.</summary>
    public void Gather(ImmutableArray<MasterLine> services)
    {
        foreach (MasterLine service in services)
            _local[service] = new HashSet<string>(StringComparer.Ordinal);
        foreach (MasterLine service in services)
            Scan(service.Settings, service, services);
        foreach (Parameter parameter in Settings.Table.All.Where(p => p.Type != ParameterType.Raw && !Settings.Main.ContainsKey(p.Name)))
            Uses(parameter.Default, null, services);
        Scan([.. Settings.Main.Values.OrderBy(s => s.At.Line).Select(s => (s.Name, s.Value))], null, services);
        foreach (Setting setting in Settings.Main.Values.Where(s => s_readOnly.Contains(s.Name)))
        {
            _output.Warn(_request.Folder + "/main.cf: read-only parameter assignment: " + setting.Name + "=" + setting.Value);
            Settings = Settings with { Main = Settings.Main.Remove(setting.Name) };
        }
    }

    public void TellUnused(ImmutableArray<MasterLine> services, bool main)
    {
        if (main)
        {
            foreach (Setting setting in Settings.Main.Values.OrderBy(s => s.At.Line).Where(s => ClassOf(s.Name) == 0 && !IsOld(s.Name)))
                _output.Warn(_request.Folder + "/main.cf: unused parameter: " + setting.Name + "=" + setting.Value);
        }
        foreach (MasterLine service in services)
        {
            // Of two of one name the last counts.
            foreach ((string name, string value) in service.Settings.Reverse().DistinctBy(s => s.Name).Reverse())
            {
                if (ClassOf(name) == 0 && !IsOld(name) && !_local[service].Contains(name))
                    _output.Warn(_request.Folder + "/master.cf: unused parameter: " + name + "=" + value);
            }
        }
    }

    private void Scan(IEnumerable<(string Name, string Value)> settings, MasterLine? service, ImmutableArray<MasterLine> services)
    {
        (string Name, string Value)[] all = [.. settings];
        foreach ((string _, string value) in all.Where(s => s.Name == "smtpd_restriction_classes"))
        {
            foreach (string name in Words.Split(MacroExpansion.Expand(value, n => Settings.Main.GetValueOrDefault(n)?.Value, out _) ?? value))
            {
                if (service is null)
                    _classes.Add(name);
                Use(name, service, services);
            }
        }
        foreach ((string name, string value) in all)
        {
            if (service is not null && _classes.Contains(name))
                _local[service].Add(name);
            if (s_readOnly.Contains(name))
            {
                if (service is not null)
                    _output.Warn(_request.Folder + "/master.cf: read-only parameter assignment: " + name + "=" + value);
            }
            else if (!IsRaw(name))
            {
                Uses(value, service, services);
                if (ClassOf(name) is ParameterClasses.Builtin or ParameterClasses.Service)
                    Databases(value, service);
            }
        }
    }

    private void Uses(string value, MasterLine? service, ImmutableArray<MasterLine> services)
    {
        var names = new List<string>();
        // With every name empty one side of a choice would be left out: what could be a name counts.
        UserNames.AddNames(names, value);
        foreach (string name in names)
            Use(name, service, services);
    }

    /// <summary>A table of a database that is named without a file has its parameters in main.cf: <c>ldap:NAME</c> those that begin with <c>NAME_</c>.</summary>
    private void Databases(string value, MasterLine? service)
    {
        string? text = new ParameterScope(Settings, service?.ToEntry()).Expand(value, out string? problem);
        if (text is null)
        {
            _output.Warn(problem!);
            _output.Fail("macro processing error");
            return;
        }
        foreach (string word in Words.Split(text, Words.Separators + "{}"))
        {
            string table = word.StartsWith("proxy:", StringComparison.Ordinal) ? word[6..] : word;
            int colon = table.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || table[..colon] is not ("ldap" or "mysql" or "pgsql" or "sqlite" or "memcache") || table[(colon + 1)..] is ['/' or '.', ..])
                continue;
            string prefix = table[(colon + 1)..] + "_";
            if (service is not null)
                _local[service].UnionWith(service.Settings.Select(s => s.Name).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)));
            _user.UnionWith(Settings.Main.Keys.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)));
        }
    }

    /// <summary>A name that a value uses counts where somebody sets it.</summary>
    private void Use(string name, MasterLine? service, ImmutableArray<MasterLine> services)
    {
        bool known = ClassOf(name) != 0 || IsOld(name) || s_readOnly.Contains(name);
        bool set = false;
        if (service is not null && service.Settings.Any(s => s.Name == name))
        {
            set = true;
            if (!known)
                _local[service].Add(name);
        }
        else if (Settings.Main.ContainsKey(name))
        {
            set = true;
            if (!known)
                _user.Add(name);
        }
        if (service is null)
        {
            foreach (MasterLine other in services.Where(o => o.Settings.Any(s => s.Name == name)))
            {
                set = true;
                _local[other].Add(name);
            }
        }
        if (!set && !known)
            _output.Warn(_request.Folder + (service is null ? "/main.cf" : "/master.cf") + ": undefined parameter: " + name);
    }
}
