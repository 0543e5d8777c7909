using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What trivial-rewrite(8) and the envelope part of cleanup(8) take from main.cf: origin, address classes, transports.</summary>
internal sealed class RewritingLowering(ReadingContext context)
{
    public MapRouting Lower(ParameterReader reader) => new()
    {
        Rewriting = new AddressRewriting
        {
            Origin = Origin(reader),
            Domain = reader.Text("mydomain"),
            RecipientDelimiters = reader.Text("recipient_delimiter"),
            VirtualAliases = reader.Maps("virtual_alias_maps"),
        },
        Classes = new AddressClasses
        {
            Local = reader.MatchList("mydestination"),
            VirtualAlias = reader.MatchList("virtual_alias_domains"),
            VirtualMailbox = reader.MatchList("virtual_mailbox_domains"),
            Relay = reader.MatchList("relay_domains", "relay_domains"),
        },
        Transports = new TransportMaps
        {
            Maps = reader.Maps("transport_maps"),
            RelayHost = reader.Text("relayhost"),
            Local = reader.Text("local_transport"),
            VirtualMailbox = reader.Text("virtual_transport"),
            Relay = reader.Text("relay_transport"),
            Default = reader.Text("default_transport"),
        },
    };

    /// <summary>Debian's main.cf names a file, whose first line is the name.</summary>
    private string Origin(ParameterReader reader)
    {
        string origin = reader.Text("myorigin");
        if (!origin.StartsWith('/'))
            return origin;
        FileContent file = context.Machine.Read(origin);
        string line = System.Text.Encoding.UTF8.GetString(file.Bytes.Span).Split('\n')[0].Trim();
        if (line.Length == 0)
            reader.Fail("myorigin", "myorigin file " + origin + ": " + (file.Failure ?? "its first line is empty"), "write the name of this machine's mail domain into it, or `myorigin = $myhostname`");
        return line;
    }
}
