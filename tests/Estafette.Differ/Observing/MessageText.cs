using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Estafette.Differ.Observing;

/// <summary>A message as comparable lines: dates, queue ids and generated Message-Ids become placeholders, a notification becomes whom it tells what.</summary>
internal static partial class MessageText
{
    public static IReadOnlyList<string> Describe(byte[] message)
    {
        string text = Encoding.UTF8.GetString(message).Replace("\r\n", "\n", StringComparison.Ordinal);
        (List<(string Name, string Value)> header, string body) = Split(text);
        string Field(string name) => header.Find(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value ?? "";
        if (Field("Content-Type").StartsWith("multipart/report", StringComparison.OrdinalIgnoreCase))
            return Notification(header, body, Field("Content-Type"));
        return [.. header.Select(h => h.Name + ": " + Plain(h.Name, h.Value)), "", .. body.TrimEnd('\n').Split('\n').Select(Placeholders)];
    }

    /// <summary>By this messages are put in order: other words may not move them.</summary>
    public static string WithoutWords(string lines) => string.Join('\n', lines.Split('\n').Where(l => !l.StartsWith('~')));

    /// <summary>Volatile words of any line.</summary>
    public static string Placeholders(string line)
    {
        line = QueueId().Replace(line, "$1 <id>");
        line = GeneratedId().Replace(line, "<<generated>@");
        return line.Contains(DateTime.UtcNow.Year.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal) ? Today().Replace(line, "<date>") : line;
    }

    private static (List<(string, string)> Header, string Body) Split(string text)
    {
        int end = text.StartsWith('\n') ? 0 : text.IndexOf("\n\n", StringComparison.Ordinal);
        string head = end < 0 ? text : text[..end];
        var header = new List<(string Name, string Value)>();
        foreach (string line in head.TrimEnd('\n').Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line.Length > 0 && line[0] is ' ' or '\t' && header.Count > 0)
                header[^1] = (header[^1].Name, header[^1].Value + " " + line.Trim());
            else if (colon > 0)
                header.Add((line[..colon], line[(colon + 1)..].Trim()));
            else
                header.Add(("", line));
        }
        return (header, end < 0 ? "" : text[(end + (end == 0 ? 1 : 2))..]);
    }

    private static string Plain(string name, string value)
    {
        if (name.Equals("Received", StringComparison.OrdinalIgnoreCase))
            value = Cipher().Replace(value, "");
        if (name.Equals("Message-Id", StringComparison.OrdinalIgnoreCase))
            value = GeneratedId().Replace(value, "<<generated>@");
        return Placeholders(value);
    }

    /// <summary>To whom, about whom, with which action and status; the words of the reason are wording.</summary>
    private static List<string> Notification(List<(string Name, string Value)> header, string body, string type)
    {
        var lines = new List<string> { "notification" };
        foreach ((string name, string value) in header.Where(h => h.Name.ToLowerInvariant() is "return-path" or "delivered-to" or "x-original-to" or "to" or "auto-submitted" or "received"))
            lines.Add(name + ": " + Plain(name, value));
        lines.AddRange(header.Where(h => h.Name is "Subject" or "From").Select(h => $"~ {h.Name}: {h.Value}"));
        Match boundary = Boundary().Match(type);
        var recipients = new List<string>();
        foreach (string part in body.Split("--" + boundary.Groups[1].Value).Skip(1))
        {
            (List<(string Name, string Value)> head, string content) = Split(part.TrimStart('\n'));
            string kind = head.Find(h => h.Name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)).Value ?? "";
            if (kind.StartsWith("message/delivery-status", StringComparison.OrdinalIgnoreCase) || kind.StartsWith("message/global-delivery-status", StringComparison.OrdinalIgnoreCase))
                recipients.AddRange(Recipients(content));
            else if (kind.Contains("rfc822", StringComparison.OrdinalIgnoreCase) || kind.StartsWith("message/global", StringComparison.OrdinalIgnoreCase))
                lines.Add($"returned {kind.Split(';')[0].ToLowerInvariant()}: {Split(content.TrimStart('\n') + "\n\n").Header.Find(h => h.Item1 == "Subject").Item2}");
            else if (kind.StartsWith("text/plain", StringComparison.OrdinalIgnoreCase))
                lines.AddRange(content.Trim('\n').Split('\n').Select(l => "~ | " + Placeholders(l)));
        }
        // Of several recipients the order is the order in which deliveries ended.
        recipients.Sort(string.CompareOrdinal);
        return [.. lines, .. recipients.SelectMany(r => r.Split('\n'))];
    }

    private static IEnumerable<string> Recipients(string status)
    {
        foreach (string group in status.Trim('\n').Split("\n\n").Skip(1))
        {
            List<(string Name, string Value)> fields = Split(group).Header;
            // Fields of a group have no order.
            IEnumerable<string> facts = fields.Where(f => f.Name.ToLowerInvariant() is "final-recipient" or "original-recipient" or "action" or "status" or "remote-mta").Select(f => $"  {f.Name}: {f.Value.Replace("; ", ";", StringComparison.Ordinal)}").Order(StringComparer.Ordinal);
            IEnumerable<string> words = fields.Where(f => f.Name.Equals("Diagnostic-Code", StringComparison.OrdinalIgnoreCase)).Select(f => $"~   {f.Name}: {Placeholders(f.Value)}");
            if (fields.Any(f => f.Name.Equals("Final-Recipient", StringComparison.OrdinalIgnoreCase)))
                yield return string.Join('\n', [.. facts, .. words]);
        }
    }

    [GeneratedRegex(@"\b(id|queued as) (?:(?=[0-9A-Za-z]*\d)[0-9A-Za-z]{6,20}\b|[0-9A-Za-z+/]{22}(?![0-9A-Za-z+/]))")]
    private static partial Regex QueueId();

    [GeneratedRegex(@"<(?:20\d{12}\.[0-9A-Za-z]+|[\w+/=-]{16})@")]
    private static partial Regex GeneratedId();

    [GeneratedRegex(@"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\w{3} +\d{1,2} [\d:]{8} \d{4}|\d{1,2} \w{3} \d{4} [\d:]{8} [+-]\d{4}(?: \(\w+\))?)|20\d\d-\d\d-\d\d[T ][\d:]{5,8}\S*")]
    private static partial Regex Today();

    [GeneratedRegex(@"\(using TLS[^()]*(?:\([^()]*\)[^()]*)*\) ?(?:\(No client certificate requested\) ?)?")]
    private static partial Regex Cipher();

    [GeneratedRegex("boundary=\"?([^\";]+)\"?", RegexOptions.IgnoreCase)]
    private static partial Regex Boundary();
}
