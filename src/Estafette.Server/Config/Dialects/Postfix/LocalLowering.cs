using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What local(8) and virtual(8) take from main.cf and the options of their services.</summary>
internal static class LocalLowering
{
    public static ActionConfig.LocalUsers Local(ServiceEntry service, ParameterReader reader)
    {
        // Neither a bell nor a message of a shell rings here; a window that flashes is no delivery.
        return new ActionConfig.LocalUsers
        {
            Name = service.Name,
            At = service.At,
            Aliases = reader.Maps("alias_maps"),
            DefaultUser = reader.Text("default_privs"),
            CommandsFrom = Sources(reader, "allow_mail_to_commands"),
            FilesFrom = Sources(reader, "allow_mail_to_files"),
            OwnersAreSpecial = reader.Flag("owner_request_special"),
            ExpandsOwner = reader.Flag("expand_owner_alias"),
            ResetsOwner = reader.Flag("reset_owner_alias"),
            FrozenDeliveredTo = reader.Flag("frozen_delivered_to"),
            ExtensionsPropagate = Propagated(reader),
            ForwardPath = reader.Raw("forward_path"),
            MailboxTransports = reader.Maps("mailbox_transport_maps"),
            MailboxTransport = reader.Text("mailbox_transport"),
            FallbackTransports = reader.Maps("fallback_transport_maps"),
            FallbackTransport = reader.Text("fallback_transport"),
            UnknownUserRelay = reader.Raw("luser_relay"),
            MailboxCommands = reader.Maps("mailbox_command_maps"),
            MailboxCommand = reader.Raw("mailbox_command"),
            HomeMailbox = reader.Text("home_mailbox"),
            SpoolFolder = reader.Text("mail_spool_directory"),
            MailboxSize = MailboxSize(reader, "mailbox_size_limit"),
            CommandTime = reader.Time("command_time_limit"),
            CommandCharacters = reader.Text("command_expansion_filter"),
            ForwardCharacters = reader.Text("forward_expansion_filter"),
            Environment = Environment(reader),
            DeliveredHeaders = Headers(reader),
            RequiresHome = reader.Flag("require_home_directory"),
        };
    }

    public static ActionConfig.VirtualMailboxes Virtual(ServiceEntry service, ParameterReader reader) => new()
    {
        Name = service.Name,
        At = service.At,
        Mailboxes = reader.Maps("virtual_mailbox_maps"),
        // Empty, which the original refuses when the first message comes, is no matter where no domain is virtual.
        Base = reader.Expand(reader.Raw("virtual_mailbox_base")),
        Uids = reader.Maps("virtual_uid_maps"),
        Gids = reader.Maps("virtual_gid_maps"),
        MinimumUid = (uint)Math.Clamp(reader.Number("virtual_minimum_uid"), 1, int.MaxValue),
        MailboxSize = MailboxSize(reader, "virtual_mailbox_limit"),
    };

    /// <summary>A value that <c>import_environment</c> sets holds for what is exported, whatever stands in the environment.</summary>
    internal static ImmutableArray<string> Environment(ParameterReader reader)
    {
        ImmutableArray<string> imported = [.. reader.Words("import_environment").Select(Bare)];
        return [.. reader.Words("export_environment").Select(Bare).Select(name => imported.FirstOrDefault(i => i.StartsWith(name + "=", StringComparison.Ordinal)) ?? name)];

        static string Bare(string word) => word.StartsWith('{') && word.EndsWith('}') ? word[1..^1].Trim() : word;
    }

    private static long MailboxSize(ParameterReader reader, string name)
    {
        long limit = reader.Number(name), message = reader.Number("message_size_limit");
        if (limit <= 0 || (message != 0 && message <= limit))
            return limit;
        string problem = name + " is smaller than message_size_limit", cure = "a message that is taken in must fit into a mailbox: raise " + name + ", or set it to 0 for no limit";
        // master.cf has the service also where mail for virtual mailboxes goes another way.
        if (reader.Service is { Command: "virtual" } service && reader.Text("virtual_transport").Split(':')[0] != service.Name)
            reader.Findings.Note(reader.Place(name), problem, cure);
        else
            reader.Fail(name, problem, cure);
        return limit;
    }

    private static ExpansionSource Sources(ParameterReader reader, string name)
    {
        var sources = ExpansionSource.None;
        foreach (string word in reader.Words(name))
        {
            ExpansionSource? one = word.ToLowerInvariant() switch { "alias" => ExpansionSource.Alias, "forward" => ExpansionSource.Forward, "include" => ExpansionSource.Include, _ => null };
            if (one is null)
                reader.Fail(name, "unknown " + name + " value \"" + word + "\"", "the words are alias, forward and include");
            sources |= one ?? ExpansionSource.None;
        }
        return sources;
    }

    /// <summary>Other words of the list are cleanup's.</summary>
    private static ExpansionSource Propagated(ParameterReader reader)
    {
        var sources = ExpansionSource.None;
        foreach (string word in reader.Words("propagate_unmatched_extensions"))
            sources |= word.ToLowerInvariant() switch { "alias" => ExpansionSource.Alias, "forward" => ExpansionSource.Forward, "include" => ExpansionSource.Include, _ => ExpansionSource.None };
        return sources;
    }

    private static DeliveredHeader Headers(ParameterReader reader)
    {
        var headers = DeliveredHeader.None;
        foreach (string word in reader.Words("prepend_delivered_header"))
        {
            DeliveredHeader? one = word.ToLowerInvariant() switch { "command" => DeliveredHeader.Command, "file" => DeliveredHeader.File, "forward" => DeliveredHeader.Forward, _ => null };
            if (one is null)
                reader.Fail("prepend_delivered_header", "unknown prepend_delivered_header value \"" + word + "\"", "the words are command, file and forward");
            headers |= one ?? DeliveredHeader.None;
        }
        return headers;
    }
}
