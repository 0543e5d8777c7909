using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Makes an action of every service of master.cf that delivers, under the service's name: smtp, lmtp, local, virtual, pipe, error and retry, discard.</summary>
internal sealed class DeliveryLowering(ReadingContext context)
{
    private readonly RelayTlsLowering _tls = new();

    /// <summary>Certificates that the sending side shows.</summary>
    public ImmutableDictionary<string, IdentityConfig> Identities => _tls.Identities;

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

    private ActionConfig? Action(ServiceEntry service, ParameterReader reader) => service.Command switch
    {
        "smtp" or "lmtp" => new RelayLowering(service, reader).Lower(_tls),
        "local" => LocalLowering.Local(service, reader),
        "virtual" => LocalLowering.Virtual(service, reader),
        "pipe" => new PipeLowering(service, reader).Lower(),
        // Both run error(8); retry is the one whose recipients stay in the queue.
        "error" => new ActionConfig.Refuse(service.Name != "retry") { Name = service.Name, At = service.At },
        _ => new ActionConfig.Discard { Name = service.Name, At = service.At },
    };
}
