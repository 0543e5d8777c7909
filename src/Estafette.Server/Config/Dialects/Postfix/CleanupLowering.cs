using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What cleanup(8) takes from main.cf and the options of the service that hands a message to it.</summary>
internal sealed class CleanupLowering(ReadingContext context)
{
    public CleanupConfig Lower(ParameterReader reader)
    {
        ServiceEntry? service = context.Settings.Services.FirstOrDefault(s => s.Command == "cleanup");
        ParameterReader cleanup = service is null ? context.Global() : context.Of(service);
        return new CleanupConfig
        {
            MapsAddresses = !reader.Words("receive_override_options").Contains("no_address_mappings"),
            HeaderChecks = cleanup.Maps("header_checks"),
            BodyChecks = cleanup.Maps("body_checks"),
            ContentFilter = reader.Text("content_filter"),
        };
    }
}
