using System.Globalization;
using System.Text.Json;
using Estafette.Control;
using Spectre.Console;

namespace Estafette.Program.Commands;

/// <summary>The queue in three forms: OpenSMTPD's fields between bars, JSON lines, and a table for people.</summary>
internal static class QueueListing
{
    /// <summary>evpid|family|type|flags|sender|rcpt|dest|created|expire|last try|attempts|state|seconds to next|error (smtpctl show queue).</summary>
    public static string Bars(QueueEntry e, DateTimeOffset now) => string.Join('|',
        e.EnvelopeId, e.Family, e.Transport, e.Authenticated ? "auth" : "", e.Sender, e.Recipient, e.Destination,
        Unix(e.Created), Unix(e.Expires), e.LastAttempt is DateTimeOffset last ? Unix(last) : "0",
        e.Attempts.ToString(CultureInfo.InvariantCulture), e.State,
        e.NextAttempt is DateTimeOffset next ? Math.Max(0, (long)(next - now).TotalSeconds).ToString(CultureInfo.InvariantCulture) : "0",
        e.Error.Replace('\n', ' '));

    private static string Unix(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    public static void Write(IReadOnlyList<QueueEntry> entries, bool json)
    {
        if (json)
        {
            foreach (QueueEntry entry in entries)
                Console.Out.WriteLine(JsonSerializer.Serialize(entry, ControlJson.Default.QueueEntry));
            return;
        }
        if (entries.Count == 0)
        {
            Console.Out.WriteLine("the queue is empty");
            return;
        }
        if (Console.IsOutputRedirected)
        {
            // In a pipe: tab-separated, one recipient a line, no colours and no wrapping.
            foreach (QueueEntry e in entries)
                Console.Out.WriteLine(string.Join('\t', e.EnvelopeId, e.State, e.Sender, e.Recipient, e.Destination, Time(e.Created), Time(e.NextAttempt), e.Attempts, e.Error.Replace('\n', ' ')));
            return;
        }
        AnsiConsole.Write(ForPeople(entries, DateTimeOffset.Now));
    }

    /// <summary>Ids and times stay whole on a terminal of 80 columns; only addresses and answers are wrapped.</summary>
    public static Table ForPeople(IReadOnlyList<QueueEntry> entries, DateTimeOffset now)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in (string[])["id", "state", "age", "next", "tries"])
            table.AddColumn(new TableColumn(column).NoWrap());
        table.AddColumn("from, to, last answer");
        foreach (QueueEntry e in entries)
        {
            string to = e.Recipient == e.Destination ? e.Recipient : $"{e.Recipient} ({e.Destination})";
            table.AddRow(e.EnvelopeId, e.State, Span(now - e.Created), e.NextAttempt is DateTimeOffset next ? Span(next - now) : "-",
                e.Attempts.ToString(CultureInfo.InvariantCulture), Markup.Escape($"<{e.Sender}> to {to}" + (e.Error.Length == 0 ? "" : "\n" + e.Error)));
        }
        return table;
    }

    public static string Count(int envelopes) => envelopes == 1 ? "1 envelope" : string.Create(CultureInfo.InvariantCulture, $"{envelopes} envelopes");

    /// <summary>The largest unit alone: 40s, 12m, 5h, 3d.</summary>
    private static string Span(TimeSpan time) => time switch
    {
        { Ticks: <= 0 } => "now",
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalSeconds}s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes}m"),
        { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays}d"),
    };

    private static string Time(DateTimeOffset? at) => at?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-";
}
