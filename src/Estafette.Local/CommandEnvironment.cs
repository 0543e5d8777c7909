using Estafette.Mail;

namespace Estafette.Local;

/// <summary>The environment of a user's command: what OpenSMTPD gives, and nothing of our own. Values from mail have no control characters.</summary>
internal static class CommandEnvironment
{
    public static string[] Build(FormatValues values, LocalUser runner)
    {
        LocalEnvelope envelope = values.Envelope;
        List<string> variables =
        [
            "PATH=/bin:/usr/bin",
            "SHELL=/bin/sh",
            "HOME=" + runner.Home,
            "USER=" + Clean(values.User.Name),
            "LOGNAME=" + Clean(values.User.Name),
            "SENDER=" + Clean(values.Sender),
            "RECIPIENT=" + Address(envelope.Destination),
            "DOMAIN=" + Clean(envelope.Original.Domain),
            "LOCAL=" + Clean(envelope.Original.LocalPart),
        ];
        if (envelope.Detail.Length > 0)
            variables.Add("EXTENSION=" + Clean(envelope.Detail));
        return [.. variables];
    }

    private static string Address(MailAddress address) => Clean(address.Domain.Length == 0 ? address.LocalPart : address.LocalPart + "@" + address.Domain);

    private static string Clean(string value) => string.Concat(value.Select(c => char.IsControl(c) ? '_' : c));
}
