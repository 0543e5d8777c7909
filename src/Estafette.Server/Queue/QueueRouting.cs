using Estafette.Config.Model;
using Estafette.Routing.Maps;

namespace Estafette.Queue;

/// <summary>What the queue asks of the configuration in force; each is asked anew every time.</summary>
/// <param name="Config">The configuration.</param>
/// <param name="Resolve">Who gets a notification, where rules route.</param>
/// <param name="Maps">Where recipients go, where maps route; null where rules do.</param>
public sealed record QueueRouting(Func<MailConfig> Config, RecipientResolver Resolve, Func<MapRouter?> Maps)
{
    /// <summary>For a configuration that routes by rules.</summary>
    public QueueRouting(Func<MailConfig> config, RecipientResolver resolve)
        : this(config, resolve, static () => null)
    {
    }
}
