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
        var table = new Table().Border(TableBorder.Rounded);
        foreach (string column in (string[])["id", "state", "from", "to", "created", "next try", "tries", "last answer"])
            table.AddColumn(column);
        foreach (QueueEntry e in entries)
            table.AddRow(e.EnvelopeId, e.State, Markup.Escape("<" + e.Sender + ">"), Markup.Escape(e.Recipient == e.Destination ? e.Recipient : $"{e.Recipient} -> {e.Destination}"),
                Time(e.Created), Time(e.NextAttempt), e.Attempts.ToString(CultureInfo.InvariantCulture), Markup.Escape(e.Error));
        AnsiConsole.Write(table);
    }

    private static string Time(DateTimeOffset? at) => at?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-";
}
