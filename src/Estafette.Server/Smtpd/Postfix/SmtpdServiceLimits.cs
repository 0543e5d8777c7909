using Estafette.Config.Model;

namespace Estafette.Smtpd.Postfix;

/// <summary>The limits of a session of smtpd(8): what its service says, within what the server as a whole bears.</summary>
internal static class SmtpdServiceLimits
{
    public static LimitsConfig Of(LimitsConfig limits, SmtpdLimits service) => limits with
    {
        MessageSize = service.MessageSize > 0 ? service.MessageSize : limits.MessageSize,
        Errors = service.HardErrors,
        JunkCommands = service.JunkCommands,
        Recipients = service.Recipients,
        CommandLine = Math.Max(service.CommandLine, 512),
        CommandTimeout = service.Timeout,
        DataTimeout = service.Timeout,
        TlsHandshake = service.StartTlsTimeout < limits.TlsHandshake ? service.StartTlsTimeout : limits.TlsHandshake,
    };
}
