using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// Reads a qmail's control files (qmail-control(5)) with the files of the AUTH patches, Debian's run script and <c>tcp.smtp</c>. Never throws for what a file may hold: all errors come together, and then there is no
/// model. As the original's script does, it refuses to listen where nothing says whose mail is taken.
/// </summary>
public static class QmailReader
{
    private const string RcptHosts = "rcpthosts", MoreRcptHosts = "morercpthosts", BadMailFrom = "badmailfrom", Credentials = "smtproutes";

    /// <summary>qmail-smtpd's own.</summary>
    private const int MaximumHops = 100;

    /// <summary>Octets of a message where <c>databytes</c> sets no limit.</summary>
    private const long NoSizeLimit = 1L << 40;

    /// <summary>qmail-send's pace: attempt n of a remote delivery comes (20 n)² seconds after the message.</summary>
    private const int RemotePace = 20;

    /// <summary>True where <paramref name="path"/> is a folder of control files, or the one above.</summary>
    public static bool IsOne(string path, IMachine machine) => ControlFolder.IsOne(path.Length > 1 ? path.TrimEnd('/') : path, machine);

    public static ConfigResult Read(string path, ReadOptions options)
    {
        var findings = new Findings();
        var folder = new ControlFolder(path, options.Machine, findings);
        MailConfig? config = Lower(folder, options, findings);
        return new ConfigResult(findings.HasErrors ? null : config, findings.InOrder([.. folder.Read]));
    }

    private static MailConfig? Lower(ControlFolder folder, ReadOptions options, Findings findings)
    {
        ControlFile me = folder.File("me");
        if (me.First is not { Length: > 0 } name)
        {
            findings.Error(new SourceSpan(me.Path, 0, 0, 0), me.Exists ? "the file is empty: qmail has no name" : "the file is missing: qmail has no name", $"write the full name of this host into {me.Path}");
            return null;
        }
        if (!name.Contains('.', StringComparison.Ordinal))
            findings.Warning(ControlFolder.Place(me), $"`{name}` is no full host name; other servers may refuse it", "any name with a domain will do where only mail to a provider is sent");
        var routes = new RouteTables(folder, findings);
        var listening = new ListenerReader(folder, options, findings);
        (ImmutableArray<ListenerConfig> listeners, long sessions) = listening.Read(name);
        long databytes = folder.Number("databytes", 0);
        return new MailConfig
        {
            Dialect = Dialect.Qmail,
            Source = folder.Path,
            HostName = name,
            Listeners = listeners,
            Tables = Tables(folder, routes).AddRange(listening.Tables),
            Control = new ControlRouting
            {
                EnvelopeHost = folder.Value("envnoathost", name),
                Locals = routes.Locals(name),
                VirtualDomains = routes.VirtualDomains(),
                PercentHack = routes.Domains("percenthack"),
                Routes = routes.Routes,
                BounceFrom = $"{folder.Value("bouncefrom", "MAILER-DAEMON")}@{folder.Value("bouncehost", name)}",
                DoubleBounceTo = folder.File("doublebounceto").First is { Length: 0 } ? "" : $"{folder.Value("doublebounceto", "postmaster")}@{folder.Value("doublebouncehost", name)}",
                Qsbmf = folder.File("qsbmf").Exists,
            },
            Actions = Actions(folder, routes, name),
            Retry = Retry(folder.Seconds("queuelifetime", 604_800)),
            Limits = new LimitsConfig
            {
                MessageSize = databytes > 0 ? databytes : NoSizeLimit,
                Hops = MaximumHops,
                Sessions = (int)Math.Clamp(sessions, 1, 100_000),
                SessionsPerClient = (int)Math.Clamp(sessions, 1, 100_000),
                CommandTimeout = folder.Seconds("timeoutsmtpd", 1200),
                DataTimeout = folder.Seconds("timeoutsmtpd", 1200),
                ConnectionsPerNextHop = (int)Math.Clamp(folder.Number("concurrencyremote", 20), 1, 1000),
                Deliveries = (int)Math.Clamp(folder.Number("concurrencylocal", 10) + folder.Number("concurrencyremote", 20), 1, 10_000),
            },
            SubaddressDelimiters = "-",
            MaildirNaming = MaildirNaming.Qmail,
        };
    }

    private static ImmutableDictionary<string, TableConfig> Tables(ControlFolder folder, RouteTables routes)
    {
        ImmutableDictionary<string, TableConfig>.Builder tables = ImmutableDictionary.CreateBuilder<string, TableConfig>(StringComparer.Ordinal);
        foreach (string list in (string[])[RcptHosts, BadMailFrom])
        {
            ControlFile file = folder.File(list);
            if (file.Exists)
                tables.Add(list, new TableConfig { Name = list, Kind = TableKind.File, Path = file.Path, At = ControlFolder.Place(file) });
        }
        string more = folder.Path + "/" + MoreRcptHosts;
        if (folder.IsThere(more + ".cdb") || folder.IsThere(more))
        {
            bool compiled = folder.IsThere(more + ".cdb");
            tables.Add(MoreRcptHosts, new TableConfig
            {
                Name = MoreRcptHosts,
                Kind = compiled ? TableKind.Db : TableKind.File,
                Path = compiled ? more + ".cdb" : more,
                At = new SourceSpan(more, 1, 1),
            });
        }
        if (!routes.Logins.IsEmpty)
            tables.Add(Credentials, new TableConfig { Name = Credentials, Kind = TableKind.Inline, Rows = routes.Logins, At = new SourceSpan(folder.Path + "/smtproutes", 1, 1) });
        return tables.ToImmutable();
    }

    private static ImmutableDictionary<string, ActionConfig> Actions(ControlFolder folder, RouteTables routes, string me)
    {
        SourceSpan at = new(folder.Path + "/smtproutes", 1, 1);
        ActionConfig[] actions =
        [
            new ActionConfig.Relay
            {
                Name = ControlRouting.RemoteAction,
                At = at,
                Helo = folder.Value("helohost", me),
                // A provider's password goes out where it was written for that provider, in clear text only as the patches did it: never, here.
                Credentials = routes.Logins.IsEmpty ? null : new RelayCredentials(Credentials) { Key = CredentialKey.Host },
            },
        ];
        return actions.ToImmutableDictionary(a => a.Name, StringComparer.Ordinal);
    }

    private static RetryConfig Retry(TimeSpan lifetime)
    {
        var waits = ImmutableArray.CreateBuilder<TimeSpan>();
        long pace = RemotePace * RemotePace;
        for (long n = 1; pace * n * n <= lifetime.TotalSeconds || waits.Count == 0; n++)
            waits.Add(TimeSpan.FromSeconds(pace * ((n * n) - ((n - 1) * (n - 1)))));
        return new RetryConfig { Schedule = waits.ToImmutable(), Lifetime = lifetime, NotificationLifetime = lifetime, WarnAfter = [] };
    }
}
