using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;

namespace Estafette.Smtpd;

/// <summary>Why a handshake failed, in words that an administrator can act on; the library's own words stand behind them.</summary>
internal static class TlsFailureText
{
    private const string OtherVersions = "the client speaks only versions of TLS that are not spoken here";

    private static readonly (string Library, string Words)[] s_known =
    [
        ("no shared cipher", "no cipher in common with the client"),
        ("no suitable signature algorithm", "no signature algorithm in common with the client"),
        ("unsupported protocol", OtherVersions),
        ("version too low", OtherVersions),
        ("wrong version number", "the client does not speak TLS"),
        ("frame size", "the client does not speak TLS"),
        ("http request", "the client speaks HTTP, not TLS"),
        ("https proxy request", "the client speaks HTTP, not TLS"),
        ("packet length too long", "the client does not speak TLS"),
        ("alert unknown ca", "the client does not trust our certificate (it does not know the authority)"),
        ("alert bad certificate", "the client does not accept our certificate"),
        ("alert certificate expired", "the client says that our certificate has expired"),
        ("alert certificate unknown", "the client does not accept our certificate"),
        ("alert certificate revoked", "the client says that our certificate is revoked"),
        ("alert unsupported certificate", "the client cannot use our kind of certificate"),
        ("alert access denied", "the client does not accept our certificate"),
        ("alert protocol version", "the client does not speak our versions of TLS"),
        ("alert handshake failure", "the client found nothing in common with us"),
        ("alert insufficient security", "the client asks for stronger ciphers"),
        ("alert internal error", "the client has a fault of its own"),
        ("alert user canceled", "the client gave up"),
        ("alert close notify", "the client gave up"),
        ("peer did not return a certificate", "the client showed no certificate, and one is demanded here"),
        ("unexpected eof", "the client hung up during the handshake"),
        ("bad record mac", "the client's record is damaged"),
        ("decryption failed", "the client's record is damaged"),
        ("inappropriate fallback", "the client fell back to an older version than needed (downgrade attack or a fault)"),
    ];

    public static string Of(Exception failure, bool timeIsOver)
    {
        if (timeIsOver)
            return "the handshake took too long";
        if (failure is ConnectionResetException || Inner<SocketException>(failure) is not null)
            return "the client reset the connection during the handshake";
        Exception cause = failure;
        while (cause.InnerException is not null)
            cause = cause.InnerException;
        if (failure is OperationCanceledException)
            return "the server is stopping";
        // The runtime refuses a version that was switched off before the library has seen it.
        if (cause == failure && cause is AuthenticationException && cause.Message.Contains("protocol", StringComparison.OrdinalIgnoreCase)
            && cause.Message.Contains("version", StringComparison.OrdinalIgnoreCase))
            return OtherVersions;
        if (cause is IOException)
            return "the client hung up during the handshake";
        string library = LibraryText(cause.Message);
        string? words = s_known.FirstOrDefault(k => library.Contains(k.Library, StringComparison.OrdinalIgnoreCase)).Words;
        return words is null ? library : $"{words} ({library})";
    }

    /// <summary>Of <c>error:0A0000C1:SSL routines::no shared cipher</c> the last part; a text of another form as it is.</summary>
    private static string LibraryText(string message)
    {
        int last = message.StartsWith("error:", StringComparison.Ordinal) ? message.LastIndexOf("::", StringComparison.Ordinal) : -1;
        return last < 0 ? message : message[(last + 2)..];
    }

    private static T? Inner<T>(Exception failure)
        where T : Exception
    {
        for (Exception? e = failure; e is not null; e = e.InnerException)
        {
            if (e is T found)
                return found;
        }
        return null;
    }
}
