using Estafette.Config.Model;

namespace Estafette.Events;

/// <summary>How events become lines. Pure: an event in, one line (or none) out.</summary>
public abstract class LogFormat
{
    /// <param name="hostName">Stands in lines of the Postfix style; empty where whoever takes the lines adds it.</param>
    public static LogFormat Create(LogConfig log, string hostName) => log.Style switch
    {
        LogStyle.Postfix => new PostfixLogFormat(log, hostName),
        LogStyle.Json => new JsonLogFormat(),
        _ => new OpenSmtpdLogFormat(),
    };

    /// <summary>Writes the line without its end; leaves <paramref name="line"/> empty where the style is silent about this event.</summary>
    public abstract void Write(MailEvent mailEvent, LogLine line);

    /// <summary>Whether the style has lines for steps of the queue (<see cref="EventSink.TellsSteps"/>).</summary>
    public virtual bool WantsSteps => true;

    private protected static string Rule(string rule) => rule.Length == 0 ? "" : "; rule=" + rule;
}
