using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// What cleanup(8) takes from main.cf and the options of two services: the one that hands a message over (smtpd, pickup: filters, overrides, the Received field) and the cleanup service that it names
/// (<c>cleanup_service_name</c>: checks, limits, fields).
/// </summary>
internal sealed class CleanupLowering(ReadingContext context)
{
    /// <param name="reader">The view of the service that hands messages over.</param>
    public CleanupConfig Lower(ParameterReader reader)
    {
        ParameterReader cleanup = CleanupService(reader);
        ImmutableArray<string> overrides = reader.Words("receive_override_options");
        CheckOverrides(reader, overrides);
        bool checks = !overrides.Contains("no_header_body_checks", StringComparer.OrdinalIgnoreCase);
        return new CleanupConfig
        {
            MapsAddresses = !overrides.Contains("no_address_mappings", StringComparer.OrdinalIgnoreCase),
            HeaderChecks = Checks("header_checks"),
            MimeHeaderChecks = Checks("mime_header_checks"),
            NestedHeaderChecks = Checks("nested_header_checks"),
            BodyChecks = Checks("body_checks"),
            BodyChecksSize = cleanup.Count("body_checks_size_limit"),
            ContentFilter = Filter(reader),
            FilterNextHop = reader.Text("default_filter_nexthop"),
            AlwaysCompletes = cleanup.Flag("always_add_missing_headers"),
            RewriteClients = Clients(reader),
            RemoteRewriteDomain = cleanup.Text("remote_header_rewrite_domain"),
            UndisclosedRecipients = Undisclosed(cleanup),
            NameBehindAddress = FromFormat(cleanup),
            DroppedFields = cleanup.Words("message_drop_headers"),
            FieldSize = cleanup.Count("header_size_limit"),
            AddressTokens = cleanup.Count("header_address_token_limit"),
            LineLength = reader.Count("line_length_limit"),
            MimeNesting = cleanup.Count("mime_nesting_limit"),
            BoundaryLength = cleanup.Count("mime_boundary_length_limit"),
            FollowsMime = !cleanup.Flag("disable_mime_input_processing"),
            Refused = checks ? Strictness(cleanup) : ContentProblems.None,
            Hops = cleanup.Count("hopcount_limit"),
            RejectedOctets = checks ? Octets(cleanup, "message_reject_characters") : [],
            StrippedOctets = checks ? Octets(cleanup, "message_strip_characters") : [],
            MailName = reader.Text("mail_name"),
            TellsTls = reader.Flag("smtpd_tls_received_header"),
            TellsLogin = reader.Flag("smtpd_sasl_authenticated_header"),
        };

        ImmutableArray<string> Checks(string name) => checks ? cleanup.Maps(name) : [];
    }

    /// <summary>Local programs whose user is listed may hand in mail (<c>authorized_submit_users</c>).</summary>
    public MatchList Submitters() => context.Global().IsTrue("authorized_submit_users", "static:anyone") ? MatchList.Empty : context.Global().MatchList("authorized_submit_users");

    private ParameterReader CleanupService(ParameterReader reader)
    {
        string name = reader.Text("cleanup_service_name");
        ServiceEntry? service = context.Settings.Services.FirstOrDefault(s => s.Name == name && s.Command == "cleanup") ?? context.Settings.Services.FirstOrDefault(s => s.Command == "cleanup");
        if (service is not null && service.Name != name && reader.IsSet("cleanup_service_name"))
            reader.Fail("cleanup_service_name", $"there is no service {name} of cleanup(8) in master.cf", "name a service that master.cf has");
        return service is null ? context.Global() : context.Of(service);
    }

    private static void CheckOverrides(ParameterReader reader, ImmutableArray<string> overrides)
    {
        string[] known = ["no_unknown_recipient_checks", "no_address_mappings", "no_header_body_checks", "no_milters"];
        foreach (string word in overrides)
        {
            if (!known.Contains(word, StringComparer.OrdinalIgnoreCase))
                reader.Fail("receive_override_options", "unknown receive_override_options value \"" + word + "\"", "write one of " + string.Join(", ", known));
        }
    }

    private static string Filter(ParameterReader reader)
    {
        string filter = reader.Text("content_filter");
        if (filter.Length > 0 && !filter.Contains(':', StringComparison.Ordinal))
            reader.Fail("content_filter", "bad content_filter " + filter + ": need transport:destination", "write the service of master.cf, a colon and where it takes the mail, such as scan:127.0.0.1:10025");
        return filter;
    }

    private static string Undisclosed(ParameterReader cleanup)
    {
        string text = cleanup.Text("undisclosed_recipients_header");
        if (text.Length == 0 || FieldTable.NameLength(Encoding.UTF8.GetBytes(text)) > 0)
            return text;
        cleanup.Fail("undisclosed_recipients_header", $"bad undisclosed_recipients_header header text \"{text}\" -- need \"headername: headervalue\"", "write To: undisclosed-recipients:;");
        return "";
    }

    private static bool FromFormat(ParameterReader cleanup)
    {
        string format = cleanup.Text("header_from_format");
        if (format is not ("standard" or "obsolete"))
            cleanup.Fail("header_from_format", "invalid setting: header_from_format = " + format, "write standard or obsolete");
        return format == "obsolete";
    }

    private static ContentProblems Strictness(ParameterReader cleanup)
    {
        bool both = cleanup.Flag("strict_8bitmime");
        bool headers = cleanup.Flag("strict_7bit_headers");
        bool body = cleanup.Flag("strict_8bitmime_body");
        bool domain = cleanup.Flag("strict_mime_encoding_domain");
        return (both || headers ? ContentProblems.EightBitHeader : ContentProblems.None) | (both || body ? ContentProblems.EightBitBody : ContentProblems.None)
            | (domain ? ContentProblems.EncodingDomain : ContentProblems.None);
    }

    /// <summary>Characters with C's escapes.</summary>
    private static ImmutableArray<byte> Octets(ParameterReader cleanup, string name)
    {
        string text = cleanup.Text(name);
        var octets = ImmutableArray.CreateBuilder<byte>();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                octets.AddRange(Encoding.UTF8.GetBytes(text, i, 1));
                continue;
            }
            i++;
            int digits = 0;
            while (digits < 3 && i + digits < text.Length && text[i + digits] is >= '0' and <= '7')
                digits++;
            if (digits > 0)
            {
                octets.Add((byte)Convert.ToInt32(text.Substring(i, digits), 8));
                i += digits - 1;
                continue;
            }
            octets.Add(text[i] switch { 'a' => 7, 'b' => 8, 'f' => 12, 'n' => 10, 'r' => 13, 't' => 9, 'v' => 11, char other => (byte)other });
        }
        return octets.ToImmutable();
    }

    private RewriteClients Clients(ParameterReader reader)
    {
        const string name = "local_header_rewrite_clients";
        var clients = new RewriteClients { OwnAddresses = false };
        ImmutableArray<string> words = reader.Words(name);
        for (int i = 0; i < words.Length; i++)
        {
            switch (words[i].ToLowerInvariant())
            {
                case "permit_inet_interfaces": clients = clients with { OwnAddresses = true }; break;
                case "permit_mynetworks": clients = clients with { Networks = true }; break;
                case "permit_sasl_authenticated": clients = clients with { Authenticated = true }; break;
                case "permit_tls_all_clientcerts": clients = clients with { Certified = true }; break;
                case "permit_tls_clientcerts": clients = clients with { Certificates = reader.Maps("relay_clientcerts") }; break;
                case "check_address_map" when i + 1 < words.Length:
                    clients = clients with { AddressMaps = [.. clients.AddressMaps, .. Table(reader, name, words[++i])] };
                    break;
                case var table when table.Contains(':', StringComparison.Ordinal):
                    clients = clients with { AddressMaps = [.. clients.AddressMaps, .. Table(reader, name, words[i])] };
                    break;
                default:
                    reader.Fail(name, "unknown client restriction in local_header_rewrite_clients: " + words[i], "write permit_inet_interfaces, permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts, permit_tls_all_clientcerts or check_address_map with a table");
                    break;
            }
        }
        return clients;
    }

    private ImmutableArray<string> Table(ParameterReader reader, string name, string word) =>
        new MapLowering(context).Register(word, reader.Place(name)) is { } table ? [table] : [];
}
