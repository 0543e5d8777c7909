using System.Buffers;
using System.Globalization;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Smtpd.Cleanup;

/// <summary>Adds the fields that a message must have and has not, behind the last one it has: Message-Id, Date, From, a recipient field (cleanup(8), postconf(5) always_add_missing_headers).</summary>
internal static class MissingFields
{
    /// <returns>The Message-Id that was added; empty where there is one.</returns>
    public static string Write(IBufferWriter<byte> output, in FieldsSeen seen, CleanupSubject subject, CleanupConfig config)
    {
        if (subject.Context == HeaderContext.None && !config.AlwaysCompletes)
            return "";
        string resent = seen.IsResent ? "Resent-" : "";
        string id = "";
        if (!seen.HasMessageId)
        {
            id = string.Create(CultureInfo.InvariantCulture, $"<{subject.Arrival.UtcDateTime:yyyyMMddHHmmss}.{subject.Id}@{subject.HostName}>");
            WriteLine(output, $"{resent}Message-Id: {id}");
        }
        if (!seen.HasDate)
            WriteLine(output, $"{resent}Date: {HeaderDate.Format(subject.Arrival)}");
        if (!seen.HasFrom)
            WriteLine(output, $"{resent}From: {FromValue(subject, config)}");
        if (!seen.HasVisibleRecipients && config.UndisclosedRecipients.Length > 0)
            WriteLine(output, config.UndisclosedRecipients);
        return seen.IsResent ? "" : id;
    }

    private static string FromValue(CleanupSubject subject, CleanupConfig config)
    {
        if (subject.Sender.Length == 0)
            return "MAILER-DAEMON";
        string name = subject.FullName.Trim();
        if (name.Length == 0)
            return subject.Sender;
        return config.NameBehindAddress ? $"{subject.Sender} ({Comment(name)})" : $"{EncodedWord.Phrase(name)} <{subject.Sender}>";
    }

    /// <summary>RFC 5322 s3.2.2: parentheses that come in pairs are a comment within; others must not end it.</summary>
    private static string Comment(string name)
    {
        string text = FieldText.Sanitize(name);
        int depth = 0;
        bool paired = !text.Contains('\\', StringComparison.Ordinal) && text.All(c => c switch { '(' => ++depth > 0, ')' => --depth >= 0, _ => true }) && depth == 0;
        return paired ? text : string.Concat(text.Select(c => c is '(' or ')' or '\\' ? "\\" + c : c.ToString()));
    }

    private static void WriteLine(IBufferWriter<byte> output, string line)
    {
        FieldText.Write(output, line);
        output.Write("\r\n"u8);
    }
}
