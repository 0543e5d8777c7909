using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What the commands and the log take from main.cf: names and places of the log, who may list and flush the queue (postqueue(1), postlogd(8)).</summary>
internal static class OperationLowering
{
    private static readonly ImmutableHashSet<string> s_facilities =
        ["auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp", .. Enumerable.Range(0, 8).Select(i => "local" + i)];

    public static LogConfig Log(ParameterReader global)
    {
        string file = global.Text("maillog_file");
        ImmutableArray<string> prefixes = global.Words("maillog_file_prefixes");
        if (file.Length > 0 && !prefixes.Any(prefix => file.StartsWith(prefix, StringComparison.Ordinal)))
            global.Fail("maillog_file", $"{file} begins with none of maillog_file_prefixes ({string.Join(", ", prefixes)})", "name a file below one of them, or add its folder to maillog_file_prefixes");
        string facility = global.Text("syslog_facility");
        if (!s_facilities.Contains(facility))
            global.Fail("syslog_facility", $"no facility of syslog(3) is called {facility}", "write `mail`");
        return new LogConfig
        {
            Style = LogStyle.Postfix,
            IsOriginal = true,
            Name = global.Text("syslog_name"),
            File = file,
            RotateSuffix = global.Text("maillog_file_rotate_suffix"),
            Compressor = global.Text("maillog_file_compressor"),
            Facility = facility,
            ServerTls = Tells(global, "smtpd_tls_loglevel"),
            ClientTls = Tells(global, "smtp_tls_loglevel") | Tells(global, "lmtp_tls_loglevel"),
        };
    }

    public static OperationConfig Operation(ParameterReader global) => new()
    {
        QueueViewers = Users(global, "authorized_mailq_users"),
        QueueFlushers = Users(global, "authorized_flush_users"),
        FlushSites = global.MatchList("fast_flush_domains", "fast_flush_domains"),
        LongQueueIds = global.Flag("enable_long_queue_ids"),
    };

    private static bool Tells(ParameterReader global, string level) => global.Text(level) is not ("0" or "none" or "");

    /// <summary>Null for everybody, so that the usual case asks nobody.</summary>
    private static MatchList? Users(ParameterReader global, string name) => global.IsTrue(name, "static:anyone") ? null : global.MatchList(name);

    /// <summary>What lines of a service begin with: <c>postfix/submission/smtpd</c> where <c>-o syslog_name=postfix/submission</c>.</summary>
    public static string Tag(ParameterReader service, string program) => service.Text("syslog_name") + "/" + program;
}
