using System.Globalization;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// File names of a Maildir as each program writes them (P20). The random part makes them unique also after a restore from a snapshot; creating and
/// renaming never overwrite, so a collision only costs another name (E58).
/// </summary>
internal static class MaildirName
{
    /// <summary>The name while the message is written, final for the styles that need nothing of the file itself.</summary>
    public static string Draft(MailboxStyle style, DateTimeOffset now, string host)
    {
        uint random = (uint)Random.Shared.NextInt64(0x1_0000_0000);
        long time = now.ToUnixTimeSeconds();
        long micros = now.ToUnixTimeMilliseconds() % 1000 * 1000 + now.Microsecond;
        return style switch
        {
            // A digit that is a letter keeps the word recognisable as hexadecimal.
            MailboxStyle.OpenSmtpd => string.Create(CultureInfo.InvariantCulture, $"{time}.{(random & 0x0fffffff) | 0xa0000000 | (random & 0x50000000):x8}.{Clean(host)}"),
            MailboxStyle.OpenSmtpdOld => string.Create(CultureInfo.InvariantCulture, $"{time}.{random | 0x10000000}.{Clean(host)}"),
            MailboxStyle.Qmail => string.Create(CultureInfo.InvariantCulture, $"{time}.{random | 0x10000000}.{Clean(host)}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{time}.M{micros}R{random:x8}.{Clean(host)}"),
        };
    }

    /// <summary>The name in <c>new</c>.</summary>
    public static string Final(MailboxStyle style, string draft, DateTimeOffset now, string host, ulong device, ulong inode)
    {
        if (style is not MailboxStyle.Postfix)
            return draft;
        // The device number in the form stat(2) gives it, as Postfix prints it.
        ulong major = device >> 32, minor = device & 0xffffffff;
        ulong number = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xffUL) << 12) | ((major & ~0xfffUL) << 32);
        long micros = now.ToUnixTimeMilliseconds() % 1000 * 1000 + now.Microsecond;
        return string.Create(CultureInfo.InvariantCulture, $"{now.ToUnixTimeSeconds()}.V{number:x}I{inode:x}M{micros}.{Clean(host)}");
    }

    /// <summary>"/" and ":" have a meaning in a Maildir name and are written as octal escapes.</summary>
    private static string Clean(string host) =>
        host.AsSpan().IndexOfAny('/', ':') < 0 ? host : host.Replace("/", "\\057", StringComparison.Ordinal).Replace(":", "\\072", StringComparison.Ordinal);
}
