using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>The statements that set one thing for the whole server, of both grammars and our own (<c>log</c>, <c>nameserver</c>, <c>retry</c>, <c>limit NAME</c>).</summary>
internal sealed class SettingLowering(LoweringContext context)
{
    private static readonly string[] Traces = ["all", "expand", "lookup", "mda", "mta", "scheduler", "smtp"];
    private readonly List<string> _srsKeys = [];

    public RetryConfig Retry { get; private set; } = new();
    public LimitsConfig Limits { get; private set; } = new();
    public LogConfig Log { get; private set; } = new();
    public ImmutableArray<IPEndPoint> NameServers { get; private set; } = [];
    public string SubaddressDelimiters { get; private set; } = "+";
    public AnnouncedExtensions Announced { get; private set; } = AnnouncedExtensions.None;
    public ImmutableArray<string> SrsKeys => [.. _srsKeys];

    public void Lower(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        if (reader.Failed)
            return;
        switch (statement.Keyword.Value)
        {
            case "smtp":
                Smtp(reader);
                break;
            case "max-message-size":
                MessageSize(reader);
                break;
            case "subaddressing-delimiter":
                Delimiter(reader);
                break;
            case "queue":
                Queue(reader);
                break;
            case "expire":
                Lifetime(reader, "expire 4d");
                break;
            case "bounce":
                if (reader.Take("warn-interval"))
                    WarnIntervals(reader, "bounce warn-interval 1h, 6h, 2d");
                else
                    reader.Unexpected();
                break;
            case "bounce-warn":
                WarnIntervals(reader, "bounce-warn 1h, 6h, 2d");
                break;
            case "limit":
                Limit(reader);
                break;
            case "log":
                LogStatement(reader);
                break;
            case "nameserver":
                NameServer(reader);
                break;
            case "retry":
                RetrySchedule(reader);
                break;
            default:
                PassedOver(reader, statement.Keyword);
                break;
        }
        reader.ExpectEnd();
    }

    public void Srs(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        if (reader.Take("ttl"))
            context.Ignored(reader.Before, "`srs ttl`", "addresses written by SRS stay good for the time this server chooses");
        else if (reader.Take("key"))
        {
            bool backup = reader.Take("backup");
            Item.Text? key = reader.TakeText("the key", "srs key \"a long random text\"");
            if (key is { Value.Length: > 0 })
                _srsKeys.Insert(backup ? _srsKeys.Count : 0, key.Value);
            reader.ExpectEnd();
        }
        else
            reader.Unexpected();
    }

    private void Smtp(StatementReader reader)
    {
        if (reader.Take("max-message-size"))
            MessageSize(reader);
        else if (reader.Take("sub-addr-delim"))
            Delimiter(reader);
        else if (reader.Take("announce"))
            Announce(reader);
        else if (reader.Take("ciphers") || reader.Take("protocols") || reader.Take("no-tickets"))
            reader.TakeRest();
        else if (reader.Take("limit"))
            SessionLimits(reader);
        else
            reader.Unexpected();
    }

    /// <summary>Our own: OpenSMTPD's EHLO is kept word for word unless the administrator asks for more.</summary>
    private void Announce(StatementReader reader)
    {
        AnnouncedExtensions announced = AnnouncedExtensions.None;
        while (reader.More)
        {
            if (reader.Take("chunking"))
                announced |= AnnouncedExtensions.Chunking;
            else if (reader.Take("smtputf8"))
                announced |= AnnouncedExtensions.SmtpUtf8;
            else if (reader.Take("pipelining"))
                announced |= AnnouncedExtensions.Pipelining;
            else if (reader.Take("limits"))
                announced |= AnnouncedExtensions.Limits;
            else if (reader.Take("all"))
                announced |= AnnouncedExtensions.All;
            else
                reader.Unexpected();
        }
        Announced = announced;
    }

    private void SessionLimits(StatementReader reader)
    {
        while (reader.More)
        {
            if (reader.Take("max-rcpt"))
                SetCount(reader, "recipients");
            else if (reader.Take("max-mails"))
                SetCount(reader, "messages-per-session");
            else
                reader.Unexpected();
        }
    }

    private void SetCount(StatementReader reader, string limit)
    {
        Item.Text? value = reader.TakeText("a number", "max-rcpt 1000");
        if (value is not null)
            Set(reader, LimitNames.All[limit], limit, value);
    }

    private void MessageSize(StatementReader reader)
    {
        Item.Text? value = reader.TakeText("a size", "max-message-size 35M");
        if (value is not null)
            Set(reader, LimitNames.All["message-size"], "max-message-size", value);
    }

    private void Delimiter(StatementReader reader)
    {
        Item.Text? value = reader.TakeText("a character", "+");
        if (value is null)
            return;
        if (value.Value.Length != 1 || value.Value[0] is '@' or <= ' ' or > '~')
            reader.Fail(value.At, "a delimiter is one visible character other than `@`", "write `+` or `-`");
        else
            SubaddressDelimiters = value.Value;
    }

    private void Queue(StatementReader reader)
    {
        if (reader.Take("ttl"))
            Lifetime(reader, "queue ttl 4d");
        else if (reader.Take("compression"))
            context.Ignored(reader.Before, "`queue compression`", "messages are stored as they are; remove the line");
        else if (reader.Take("encryption"))
        {
            context.NotSupported(reader.Before, "`queue encryption`", "messages would be stored in the clear; put the state folder on an encrypted disk and remove the line");
            reader.TakeRest();
        }
        else
            reader.Unexpected();
    }

    private void Lifetime(StatementReader reader, string example)
    {
        if (TakeTime(reader, example) is { } time)
            Retry = Retry with { Lifetime = time, NotificationLifetime = time };
    }

    private void WarnIntervals(StatementReader reader, string example)
    {
        if (reader.Current is Item.List list)
        {
            reader.Fail(list.At, "the times stand without braces here", "write `" + example + "`");
            return;
        }
        var times = ImmutableArray.CreateBuilder<TimeSpan>();
        do
        {
            if (TakeTime(reader, example) is { } time)
                times.Add(time);
        }
        while (!reader.Failed && reader.TakeMark(','));
        if (!reader.Failed)
            Retry = Retry with { WarnAfter = [.. times.Order()] };
    }

    private void Limit(StatementReader reader)
    {
        if (context.OldGrammar && reader.Take("session"))
            SessionLimits(reader);
        else if (context.OldGrammar && (reader.Take("mda") || reader.Take("mta") || reader.Take("scheduler")))
            PacingLimits(reader);
        else if (reader.Current is Item.Text { Quoted: false } name && LimitNames.All.TryGetValue(name.Value, out LimitNames.Limit? limit))
        {
            reader.TakeText("a limit", "limit hops 50");
            Item.Text? value = reader.TakeText("the value", "limit " + name.Value + (limit.Kind == LimitNames.ValueKind.Time ? " 5m" : " 100"));
            if (value is not null)
                Set(reader, limit, name.Value, value);
        }
        else
        {
            foreach (string known in LimitNames.All.Keys)
                reader.Take(known);
            reader.Unexpected();
        }
    }

    private void Set(StatementReader reader, LimitNames.Limit limit, string name, Item.Text value)
    {
        long? number = limit.Kind switch
        {
            LimitNames.ValueKind.Time => (long?)Quantity.Time(value.Value)?.TotalSeconds,
            LimitNames.ValueKind.Size => Quantity.Size(value.Value),
            _ => Quantity.Count(value.Value),
        };
        (string kind, string example) = limit.Kind switch
        {
            LimitNames.ValueKind.Time => ("a time", "`30s`, `5m`, `4h` or `2d`"),
            LimitNames.ValueKind.Size => ("a size", "octets, or `500K`, `35M`, `1G`"),
            _ => ("a number", "digits only"),
        };
        if (number is null)
            reader.Fail(value.At, "`" + value.Value + "` is not " + kind, "write " + example);
        else if (number < limit.Least || number > limit.Most)
            reader.Fail(value.At, "`" + value.Value + "` is out of range for `" + name + "`", "use " + (number < limit.Least ? "at least " + Invariant(limit.Least) : "at most " + Invariant(limit.Most)));
        else
            Limits = limit.Set(Limits, number.Value);
    }

    private void LogStatement(StatementReader reader)
    {
        if (reader.Take("style"))
        {
            LogStyle? style = reader.Take("opensmtpd") ? LogStyle.OpenSmtpd : reader.Take("postfix") ? LogStyle.Postfix : reader.Take("json") ? LogStyle.Json : null;
            if (style is null)
                reader.Unexpected();
            else
                Log = Log with { Style = style.Value };
        }
        else if (reader.Take("trace"))
        {
            do
            {
                string? name = Traces.FirstOrDefault(reader.Take);
                if (name is null)
                    reader.Unexpected();
                else
                    Log = Log with { Trace = Log.Trace.Add(name) };
            }
            while (!reader.Failed && (reader.TakeMark(',') || !reader.AtEnd));
        }
        else
            reader.Unexpected();
    }

    private void NameServer(StatementReader reader)
    {
        Item.Text? text = reader.TakeText("the address", "nameserver 127.0.0.1 or nameserver 127.0.0.1:5353");
        if (text is null)
            return;
        bool bare = IPAddress.TryParse(text.Value, out IPAddress? address);
        if (bare)
            NameServers = NameServers.Add(new IPEndPoint(address!, 53));
        else if (IPEndPoint.TryParse(text.Value, out IPEndPoint? point) && point.Port > 0)
            NameServers = NameServers.Add(point);
        else
            reader.Fail(text.At, "`" + text.Value + "` is no address of a name server", "write `127.0.0.1`, `127.0.0.1:5353` or `[::1]:5353`: names cannot be looked up yet");
    }

    private void RetrySchedule(StatementReader reader)
    {
        if (!reader.Take("schedule"))
        {
            reader.Unexpected();
            return;
        }
        if (reader.TakeOptionalTable() is not Item.List { IsMapping: false } list)
        {
            reader.Fail(reader.Here, "the waits are missing", "write `retry schedule { 1m, 5m, 30m, 2h }`");
            return;
        }
        var waits = ImmutableArray.CreateBuilder<TimeSpan>();
        foreach (Row row in list.Rows)
        {
            if (Quantity.Time(row.Key.Value) is { } wait)
                waits.Add(wait);
            else
                reader.Fail(row.Key.At, "`" + row.Key.Value + "` is not a time", "write `30s`, `5m`, `4h` or `2d`");
        }
        Retry = Retry with { Schedule = waits.ToImmutable() };
    }

    private void PassedOver(StatementReader reader, Item.Text keyword)
    {
        switch (keyword.Value)
        {
            case "admd":
                reader.TakeText("the name", "admd \"example.org\"");
                context.Findings.Note(keyword.At, "`admd` is told to filter processes only, and there are none");
                break;
            case "mda" when reader.Take("wrapper"):
                reader.TakeRest();
                break;
            case "mda" or "scheduler" when reader.Take("limit"):
            case "mta" when reader.Take("limit") || reader.Take("max-deferred"):
                PacingLimits(reader);
                break;
            case "ciphers":
                reader.TakeRest();
                break;
            case "max-mta-deferred":
                PacingLimits(reader);
                break;
            case "mda" or "mta" or "scheduler":
                reader.Unexpected();
                break;
            default:
                string? meant = keyword.Quoted ? null : Spelling.Closest(keyword.Value, Vocabulary.Statements);
                reader.Fail(keyword.At, "`" + keyword.Value + "` is no statement", meant is not null ? "did you mean `" + meant + "`?"
                    : "statements begin with " + string.Join(", ", Vocabulary.Statements.Where(w => context.OldGrammar ? !Vocabulary.IsNewOnly(w) : !Vocabulary.IsOldOnly(w)).Order(StringComparer.Ordinal).Select(w => "`" + w + "`")));
                break;
        }
    }

    /// <summary>The original's many knobs of pace: connections to one next hop have a counterpart; the others are what the queue does by itself.</summary>
    private void PacingLimits(StatementReader reader)
    {
        bool told = false;
        while (reader.More)
        {
            if (reader.Take("max-conn-per-host") || reader.Take("max-conn-per-route"))
                SetCount(reader, "connections-per-next-hop");
            else if (reader.Take("max-session"))
                SetCount(reader, "deliveries");
            else if (reader.IsAt("inet4") || reader.IsAt("inet6"))
            {
                context.Ignored(reader.Here, "a limit to one address family", "both families are used; give relays a `src` address of the family wanted");
                reader.TakeText("a limit", "mta limit max-conn-per-host 20");
            }
            else
            {
                if (!told)
                    context.Findings.Note(reader.Here, "this limit has no counterpart: the queue sets its own pace", "see `limit` in docs/smtpd-conf.md for what can be set");
                told = true;
                reader.TakeText("a limit", "mta limit max-conn-per-host 20");
            }
        }
    }

    /// <summary>Null, with an error told, when no time stands here.</summary>
    public static TimeSpan? TakeTime(StatementReader reader, string example)
    {
        Item.Text? text = reader.TakeText("a time", example);
        if (text is null)
            return null;
        TimeSpan? time = Quantity.Time(text.Value);
        if (time is null)
            reader.Fail(text.At, "`" + text.Value + "` is not a time", "write `30s`, `5m`, `4h` or `2d`");
        return time;
    }

    private static string Invariant(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
