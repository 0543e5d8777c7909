using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>
/// Where and for whom to listen: from the tcpserver line of the run script where there is one, else on loopback. It fails closed in the words of the original's script (rows Q8, Q9): no list of domains, no listener.
/// </summary>
internal sealed class ListenerReader(ControlFolder folder, ReadOptions options, Findings findings)
{
    private const int SmtpPort = 25, Sessions = 20;
    private const string RulesTable = "tcp.smtp";

    /// <summary>The tables that listeners name.</summary>
    public Dictionary<string, TableConfig> Tables { get; } = new(StringComparer.Ordinal);

    public (ImmutableArray<ListenerConfig> Listeners, long Sessions) Read(string me)
    {
        RunScript? script = FindScript(out string path);
        SourceSpan at = script is null ? new SourceSpan(folder.Path + "/me", 1, 1) : new SourceSpan(path, script.Line, 1);
        if (script is not null && !script.Unset.IsEmpty)
        {
            findings.Error(at, "QMAILDUID, NOFILESGID, MAXSMTPD, or LOCAL is unset in " + path,
                $"empty here: {string.Join(", ", script.Unset)}; look for the file or user that the script takes it from");
        }
        ControlFile rcptHosts = folder.File("rcpthosts");
        if (!rcptHosts.Exists)
        {
            findings.Error(new SourceSpan(rcptHosts.Path, 0, 0, 0), $"No {rcptHosts.Path}! Refusing to start SMTP listener because it'll create an open relay",
                "write the domains into it that this host takes mail for from everybody; an empty file means none");
        }
        long limit = SessionLimit(script, at);
        ImmutableArray<IPEndPoint> addresses = script is null ? [new IPEndPoint(IPAddress.Loopback, SmtpPort)] : EndPoints(script, at);
        if (script is { SoftLimit: { } octets })
            findings.Note(at, $"softlimit -m {octets} is not applied: sessions share one process, whose memory is bounded by limits of its own");
        QmailSmtpdConfig smtpd = Smtpd(script, me);
        return ([.. addresses.Select(address => new ListenerConfig { EndPoint = address, Spec = script?.Address ?? "127.0.0.1", At = at, HostName = me, Qmail = smtpd })], limit);
    }

    private QmailSmtpdConfig Smtpd(RunScript? script, string me)
    {
        string more = folder.Path + "/morercpthosts";
        return new QmailSmtpdConfig
        {
            Greeting = folder.Value("smtpgreeting", me),
            RcptHostsTable = "rcpthosts",
            MoreRcptHostsTable = folder.IsThere(more + ".cdb") || folder.IsThere(more) ? "morercpthosts" : null,
            BadMailFromTable = folder.File("badmailfrom").Exists ? "badmailfrom" : null,
            LiteralHost = folder.Value("localiphost", me),
            DataBytes = folder.Number("databytes", 0),
            RulesTable = Rules(script)?.Name,
            NoHostNames = script?.NoHostNames ?? false,
        };
    }

    private RunScript? FindScript(out string path)
    {
        foreach (string candidate in (string[])[folder.Path + "/qmail-smtpd/run", folder.Home + "/supervise/qmail-smtpd/run"])
        {
            path = candidate;
            if (!folder.IsThere(candidate))
                continue;
            FileContent content = options.Machine.Read(candidate);
            if (content.Failure is not null)
            {
                findings.Error(new SourceSpan(candidate, 0, 0, 0), $"cannot be read: {content.Failure}", "let the mail server's user read it, or remove it");
                return null;
            }
            string text = Encoding.UTF8.GetString(content.Bytes.Span);
            // The users of a qmail have no work here, so any answer to `id -u qmaild` will do (row Q5).
            RunScript? script = RunScript.Parse(text, file => folder.At(Same(file)).First, (_, _) => "0");
            if (script is null)
                findings.Warning(new SourceSpan(candidate, 0, 0, 0), "no command line of tcpserver is found in the script", "the server listens on 127.0.0.1 port 25 instead");
            return script;
        }
        path = "";
        return null;
    }

    /// <summary>A control file by one of its other names (<c>/var/lib/qmail/control</c> is <c>/etc/qmail</c> on Debian, row Q7) is the one in our folder where that name leads nowhere.</summary>
    private string Same(string file)
    {
        const string part = "/control/";
        int at = file.LastIndexOf(part, StringComparison.Ordinal);
        return folder.IsThere(file) || at < 0 ? file : folder.Path + "/" + file[(at + part.Length)..];
    }

    private long SessionLimit(RunScript? script, SourceSpan at)
    {
        string? limit = script is null ? folder.File("concurrencyincoming").First : script.Limit;
        if (string.IsNullOrEmpty(limit))
            return script is null ? Sessions : 40;
        // tcpserver takes -c 20/100 too: the number before the slash counts.
        if (long.TryParse(limit.Split('/')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0)
            return number;
        findings.Warning(at, $"`{limit}` is no number of sessions", string.Create(CultureInfo.InvariantCulture, $"until then {Sessions} counts"));
        return Sessions;
    }

    private ImmutableArray<IPEndPoint> EndPoints(RunScript script, SourceSpan at)
    {
        int port = script.Port switch { "smtp" => SmtpPort, "submission" => 587, "smtps" or "submissions" => 465, _ => 0 };
        if (port == 0 && (!int.TryParse(script.Port, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
        {
            findings.Error(at, $"`{script.Port}` is no port", "write `smtp` or a number");
            return [];
        }
        if (script.Address is "0" or "")
            return [new IPEndPoint(IPAddress.Any, port)];
        if (IPAddress.TryParse(script.Address, out IPAddress? address))
            return [new IPEndPoint(address, port)];
        ImmutableArray<IPAddress> found = options.Machine.Resolve(script.Address);
        if (found.IsEmpty)
            findings.Error(at, $"`{script.Address}` is no address and no host that can be found", "write 127.0.0.1 for this machine only, or 0 for all addresses");
        return [.. found.Take(1).Select(one => new IPEndPoint(one, port))];
    }

    /// <summary>The compiled rules where they are, else the text they are made from; null where there are none.</summary>
    private TableConfig? Rules(RunScript? script)
    {
        const string compiled = ".cdb";
        string? named = script is null ? folder.Path + "/tcp.smtp" + compiled : script.RulesFile is { } file ? Same(file) : null;
        if (named is null)
            return null;
        string text = named.EndsWith(compiled, StringComparison.Ordinal) ? named[..^compiled.Length] : named;
        if (folder.IsThere(named) && named != text)
            return Add(new TableConfig { Name = RulesTable, Kind = TableKind.Db, Path = named, At = new SourceSpan(named, 0, 0, 0) });
        if (folder.IsThere(text))
        {
            ImmutableArray<KeyValuePair<string, string>> rows = TcpRules.Parse(
                folder.At(text).All, (line, problem) => findings.Warning(new SourceSpan(text, line, 1), problem, "the line is passed over, as tcprules would have refused the file"));
            return Add(new TableConfig { Name = RulesTable, Kind = TableKind.Inline, Rows = rows, At = new SourceSpan(text, 1, 1) });
        }
        if (script is not null)
            findings.Warning(new SourceSpan(named, 0, 0, 0), "the rules of tcpserver are missing: nobody may relay", $"write {text} and run `qmailctl cdb`");
        return null;
    }

    private TableConfig Add(TableConfig table)
    {
        Tables[table.Name] = table;
        return table;
    }
}
