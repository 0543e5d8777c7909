using Estafette.Config.Model;

namespace Estafette.Events;

/// <summary>How events become lines. Pure: an event in, one line (or none) out.</summary>
public abstract class LogFormat
{
    public static LogFormat Create(LogStyle style, string hostName) => style switch
    {
        LogStyle.Postfix => new PostfixLogFormat(hostName),
        LogStyle.Json => new JsonLogFormat(),
        _ => new OpenSmtpdLogFormat(),
    };

    /// <summary>Writes the line without its end; leaves <paramref name="line"/> empty where the style is silent about this event.</summary>
    public abstract void Write(MailEvent mailEvent, LogLine line);

    private protected static string Rule(string rule) => rule.Length == 0 ? "" : "; rule=" + rule;
}
