using System.Globalization;
using System.Text;
using Estafette.Control;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// The queue in the two forms of postqueue(1), written message by message: the table that mailq prints, and JSON lines. Pure but for the writer. Columns are those of long
/// queue ids where the configuration asks for them (enable_long_queue_ids); an id that is longer than its column moves its line, as in the original.
/// </summary>
internal sealed class QueueTable(TextWriter output, bool longIds)
{
    private int _messages;
    private long _octets;

    public void Add(QueuedMessage message)
    {
        if (_messages++ == 0)
            output.WriteLine(longIds ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------" : "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------");
        _octets += message.Size;
        string id = message.Id + Mark(message);
        string time = Time(message.Arrived);
        string sender = message.Sender.Length == 0 ? "MAILER-DAEMON" : Visible(message.Sender);
        output.WriteLine(longIds
            ? string.Create(CultureInfo.InvariantCulture, $"{id,-17} {message.Size,8} {time} {sender}")
            : string.Create(CultureInfo.InvariantCulture, $"{id,-11} {message.Size,7} {time}  {sender}"));
        string told = "";
        foreach (QueuedAddress recipient in message.Recipients)
        {
            if (recipient.Reason.Length > 0 && recipient.Reason != told)
                output.WriteLine(new string(' ', Math.Max(0, 76 - recipient.Reason.Length)) + "(" + Visible(recipient.Reason) + ")");
            told = recipient.Reason;
            output.Write(new string(' ', longIds ? 47 : 41));
            output.WriteLine(Visible(recipient.Address));
        }
        output.WriteLine();
    }

    public void End()
    {
        output.WriteLine(_messages == 0
            ? "Mail queue is empty"
            : string.Create(CultureInfo.InvariantCulture, $"-- {_octets / 1024} Kbytes in {_messages} Request{(_messages == 1 ? "" : "s")}."));
    }

    public static string Json(QueuedMessage message)
    {
        var text = new StringBuilder(256);
        text.Append("{\"queue_name\": ");
        Quote(text, message.Queue);
        text.Append(", \"queue_id\": ");
        Quote(text, message.Id);
        text.Append(CultureInfo.InvariantCulture, $", \"arrival_time\": {message.Arrived.ToUnixTimeSeconds()}, \"message_size\": {message.Size}, \"forced_expire\": {(message.ForcedExpire ? "true" : "false")}, \"sender\": ");
        Quote(text, message.Sender.Length == 0 ? "MAILER-DAEMON" : message.Sender);
        text.Append(", \"recipients\": [");
        for (int i = 0; i < message.Recipients.Count; i++)
        {
            text.Append(i == 0 ? "{\"address\": " : ", {\"address\": ");
            Quote(text, message.Recipients[i].Address);
            if (message.Recipients[i].Reason.Length > 0)
            {
                text.Append(", \"delay_reason\": ");
                Quote(text, message.Recipients[i].Reason);
            }
            text.Append('}');
        }
        return text.Append("]}").ToString();
    }

    private static char? Mark(QueuedMessage message) => message.ForcedExpire ? '#' : message.Queue switch { "active" => '*', "hold" => '!', _ => null };

    private static string Time(DateTimeOffset at)
    {
        DateTimeOffset local = at.ToLocalTime();
        return string.Create(CultureInfo.InvariantCulture, $"{local:ddd MMM} {local.Day,2} {local:HH:mm:ss}");
    }

    /// <summary>Nothing from outside reaches a terminal as a control character (E55).</summary>
    private static string Visible(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && !text.Contains('\x7f', StringComparison.Ordinal)
        ? text : string.Concat(text.Select(c => c is < ' ' or '\x7f' ? '?' : c));

    private static void Quote(StringBuilder to, string text)
    {
        to.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"' or '\\': to.Append('\\').Append(c); break;
                case '\b': to.Append("\\b"); break;
                case '\f': to.Append("\\f"); break;
                case '\n': to.Append("\\n"); break;
                case '\r': to.Append("\\r"); break;
                case '\t': to.Append("\\t"); break;
                case < ' ' or '\x7f': to.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: to.Append(c); break;
            }
        }
        to.Append('"');
    }
}
