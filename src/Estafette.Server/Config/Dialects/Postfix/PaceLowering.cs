using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What qmgr(8) and the master allow each delivery service: <c>NAME_destination_concurrency_limit</c>, <c>NAME_destination_recipient_limit</c>, the rate delays and the process limit of master.cf.</summary>
internal sealed class PaceLowering(ReadingContext context)
{
    public ImmutableDictionary<string, ActionConfig> Apply(ImmutableDictionary<string, ActionConfig> actions)
    {
        ServiceEntry? qmgr = context.Settings.Services.FirstOrDefault(s => s.Command is "qmgr" or "nqmgr" or "oqmgr");
        ParameterReader reader = qmgr is null ? context.Global() : context.Of(qmgr);
        foreach (ServiceEntry service in context.Settings.Services.Where(s => s.Delivers))
        {
            if (actions.TryGetValue(service.Name, out ActionConfig? action))
                actions = actions.SetItem(service.Name, action with { Pace = Of(service, reader) });
        }
        return actions;
    }

    private DeliveryPace Of(ServiceEntry service, ParameterReader reader)
    {
        // What nobody asked for binds no server that needs no process for a connection.
        int processes = service.Processes ?? (reader.IsSet("default_process_limit") ? reader.Count("default_process_limit") : 0);
        // discard(8) has no parameters of its own by name.
        string name = context.Settings.ServiceDefaults.ContainsKey(service.Name + "_destination_recipient_limit") ? service.Name : "default";
        return new DeliveryPace
        {
            Connections = Math.Max(0, reader.Count(name + "_destination_concurrency_limit")),
            Recipients = Math.Max(0, reader.Count(name + "_destination_recipient_limit")),
            Processes = Math.Max(0, processes),
            Gap = reader.Time(name + "_destination_rate_delay"),
            TotalGap = reader.Time(name + "_transport_rate_delay"),
        };
    }
}
