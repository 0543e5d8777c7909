using System.Collections.Immutable;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>Shows parameters of main.cf and services of master.cf as postconf(1) does, its warnings included.</summary>
internal sealed class PostconfShow(PostconfRequest request, PostconfOutput output)
{
    private readonly bool _fold = request.Has(PostconfModes.Fold);
    private PostfixSettings _settings = null!;
    private PostconfNames _names = null!;

    /// <summary>Parameters: all, or those that are named.</summary>
    public void Main()
    {
        bool defaults = request.Has(PostconfModes.Defaults);
        ImmutableArray<Setting>? main = defaults ? [] : PostconfFiles.Main(request, output);
        if (main is null || PostconfFiles.Master(request, output, needed: false) is not { } services)
            return;
        Prepare(main.Value, services, gather: !defaults);
        if (output.Failure is not null)
            return;
        if (request.Names.IsEmpty)
        {
            foreach (string name in _names.All.Where(n => (_names.ClassOf(n) & request.Classes) != 0))
                Parameter(name);
        }
        foreach (string name in request.Names)
        {
            if (_names.ClassOf(name) == 0)
                output.Warn(name + ": unknown parameter");
            else
                Parameter(name);
        }
        if (!defaults && output.Failure is null)
            _names.TellUnused(services, main: true);
    }

    /// <summary>Services, their fields or their parameters.</summary>
    public void Master()
    {
        if (PostconfFiles.Master(request, output, needed: true) is not { } services || PostconfFiles.Main(request, output) is not { } main)
            return;
        Prepare(main, services, gather: true);
        List<(ServicePattern Pattern, int Field, bool[] Hit)>? wanted = Wanted();
        if (output.Failure is not null)
            return;
        foreach (MasterLine service in services)
        {
            if (wanted is null)
                Service(service, ServicePattern.Any, -1);
            foreach ((ServicePattern pattern, int field, bool[] hit) in wanted ?? [])
            {
                if (pattern.Matches(service.Name, service.Type))
                    hit[0] |= Service(service, pattern.Third, field);
            }
        }
        foreach ((ServicePattern pattern, _, bool[] hit) in wanted ?? [])
        {
            if (!hit[0])
                output.Warn("unmatched request: \"" + pattern.Text + "\"");
        }
        _names.TellUnused(services, main: false);
    }

    private void Prepare(ImmutableArray<Setting> main, ImmutableArray<MasterLine> services, bool gather)
    {
        _settings = PostfixSettings.Of(main, [.. services.Select(s => s.ToEntry())], request.Machine) with { ProcessName = "postconf" };
        _names = new PostconfNames(request, output, _settings);
        if (gather)
            _names.Gather(services);
        _settings = _names.Settings;
    }

    private void Parameter(string name)
    {
        var scope = new ParameterScope(_settings);
        string? value = request.Has(PostconfModes.NotDefault) ? scope.Find(name)?.Value : scope.Raw(name);
        if (value is null || output.Failure is not null)
            return;
        if (request.Has(PostconfModes.HideValue))
            output.Line(name, _fold);
        else
            output.Line((request.Has(PostconfModes.HideName) ? "" : name + " = ") + (_names.IsRaw(name) ? value : Expanded(scope, value)), _fold);
    }

    /// <summary>The requests by name; null for all services.</summary>
    private List<(ServicePattern Pattern, int Field, bool[] Hit)>? Wanted()
    {
        if (request.Names.IsEmpty)
            return null;
        (int most, string problem) = request.Has(PostconfModes.Entries) ? (2, "-M option requires service_name[/type]")
            : request.Has(PostconfModes.Fields) ? (3, "-F option requires service_name[/type[/field]]") : (3, "-P option requires service_name[/type[/parameter]]");
        var wanted = new List<(ServicePattern, int, bool[])>();
        foreach (string name in request.Names)
        {
            ServicePattern? pattern = ServicePattern.Parse(name, 1, most);
            if (pattern is null)
                output.Fail(problem);
            int field = pattern is null || pattern.Third == ServicePattern.Any || !request.Has(PostconfModes.Fields) ? -1 : Array.IndexOf(MasterLine.Fields, pattern.Third);
            if (pattern is not null && field < 0 && pattern.Third != ServicePattern.Any && request.Has(PostconfModes.Fields))
                output.Fail("invalid service attribute name: \"" + pattern.Third + "\"");
            if (output.Failure is not null)
                break;
            wanted.Add((pattern!, field, new bool[1]));
        }
        return wanted;
    }

    /// <param name="third">The parameter that is asked for.</param>
    /// <param name="field">The column; -1 for all.</param>
    /// <returns>Whether there was something to show.</returns>
    private bool Service(MasterLine service, string third, int field)
    {
        var scope = new ParameterScope(_settings, service.ToEntry());
        Func<string, string>? expand = request.Has(PostconfModes.Expand) ? value => Expanded(scope, value) : null;
        if (request.Has(PostconfModes.Entries))
            output.Raw(service.Show(_fold, expand));
        else if (request.Has(PostconfModes.Fields))
        {
            for (int column = 0; column < MasterLine.Fields.Length; column++)
            {
                if (field < 0 || field == column)
                    output.Raw(service.ShowField(column, request.Modes, expand));
            }
        }
        else
            return Overrides(service, third, scope);
        return true;
    }

    private bool Overrides(MasterLine service, string name, ParameterScope scope)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string set, string value) in service.Settings)
            values[set] = value;
        bool any = false;
        foreach ((string set, string value) in values.Where(v => name == ServicePattern.Any || v.Key == name))
        {
            any = true;
            string shown = request.Has(PostconfModes.Expand) ? Expanded(scope, value) : value;
            string full = service.NameSpace + "/" + set;
            output.Line(request.Has(PostconfModes.HideValue) ? full : request.Has(PostconfModes.HideName) ? shown : full + " = " + shown, _fold);
        }
        return any || (name == ServicePattern.Any && values.Count > 0);
    }

    private string Expanded(ParameterScope scope, string value)
    {
        if (!request.Has(PostconfModes.Expand))
            return value;
        string? text = scope.Expand(value, out string? problem);
        if (text is not null)
            return text;
        output.Warn(problem!);
        output.Fail("macro processing error");
        return "";
    }
}
