using System.Globalization;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>A port as main.cf and master.cf write it: a number, or a service that mail knows by name.</summary>
internal static class ServicePort
{
    public static bool TryRead(string text, out int port)
    {
        port = text.ToLowerInvariant() switch { "smtp" or "mail" => 25, "submission" or "msa" => 587, "smtps" or "submissions" or "urd" or "ssmtp" => 465, "lmtp" => 24, _ => 0 };
        return port != 0 || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and < 65536);
    }
}
