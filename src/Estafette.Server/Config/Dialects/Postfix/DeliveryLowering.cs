using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Makes an action of every service of master.cf that delivers, under the service's name: smtp, lmtp, local, virtual, pipe, error and retry, discard.</summary>
internal sealed class DeliveryLowering(ReadingContext context)
{
    public ImmutableDictionary<string, ActionConfig> Lower()
    {
        var actions = ImmutableDictionary.CreateBuilder<string, ActionConfig>(StringComparer.Ordinal);
        foreach (ServiceEntry service in context.Settings.Services.Where(s => s.Delivers && s.Type != "inet"))
        {
            if (Action(service, context.Of(service)) is { } action)
                actions[service.Name] = action with { LogTag = OperationLowering.Tag(context.Of(service), service.Command) };
        }
        return actions.ToImmutable();
    }

    private ActionConfig? Action(ServiceEntry service, ParameterReader reader)
    {
        switch (service.Command)
        {
            case "smtp" or "lmtp":
                return new ActionConfig.Relay { Name = service.Name, At = service.At, Helo = reader.Text(service.Command == "lmtp" ? "lmtp_lhlo_name" : "smtp_helo_name") };
            case "local":
                return new ActionConfig.LocalUsers { Name = service.Name, At = service.At, Aliases = reader.Maps("alias_maps") };
            case "virtual":
                return new ActionConfig.VirtualMailboxes { Name = service.Name, At = service.At, Mailboxes = reader.Maps("virtual_mailbox_maps") };
            case "pipe":
                return Pipe(service);
            case "error":
                // Both run error(8); retry is the one whose recipients stay in the queue.
                return new ActionConfig.Refuse(service.Name != "retry") { Name = service.Name, At = service.At };
            default:
                return new ActionConfig.Discard { Name = service.Name, At = service.At };
        }
    }

    private ActionConfig.Pipe? Pipe(ServiceEntry service)
    {
        int argv = service.Arguments.IndexOf(service.Arguments.FirstOrDefault(a => a.StartsWith("argv=", StringComparison.Ordinal)) ?? "");
        if (argv < 0)
        {
            context.Findings.Error(service.At, "service " + service.Key + ": missing command attribute argv=", "write `argv=/path/of/command ...` at the end");
            return null;
        }
        return new ActionConfig.Pipe { Name = service.Name, At = service.At, User = "nobody", Arguments = [service.Arguments[argv][5..], .. service.Arguments.Skip(argv + 1)] };
    }
}
