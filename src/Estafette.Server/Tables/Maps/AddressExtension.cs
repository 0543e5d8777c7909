using System.Diagnostics.CodeAnalysis;

namespace Estafette.Tables;

/// <summary>The extension of a local part, <c>user+ext</c> (postconf(5) recipient_delimiter, owner_request_special). Pure.</summary>
public static class AddressExtension
{
    /// <summary>
    /// Parts a local part at its first delimiter. Names of the mail system have no extension, nor have <c>owner-list</c> and <c>list-request</c> where <c>-</c> is a delimiter.
    /// </summary>
    /// <param name="delimiters">A set of characters; empty for no extensions.</param>
    /// <param name="extension">What was cut off, with its delimiter.</param>
    public static bool TrySplit(string localPart, string delimiters, [NotNullWhen(true)] out string? user, out string extension)
    {
        user = null;
        extension = "";
        int at = delimiters.Length == 0 ? -1 : localPart.AsSpan().IndexOfAny(delimiters);
        if (at <= 0 || IsSpecial(localPart, delimiters))
            return false;
        user = localPart[..at];
        extension = localPart[at..];
        return true;
    }

    private static bool IsSpecial(string localPart, string delimiters) =>
        Is(localPart, "postmaster") || Is(localPart, "mailer-daemon") || Is(localPart, "double-bounce")
        || (delimiters.Contains('-', StringComparison.Ordinal) && (localPart.StartsWith("owner-", StringComparison.OrdinalIgnoreCase) || localPart.EndsWith("-request", StringComparison.OrdinalIgnoreCase)));

    private static bool Is(string localPart, string name) => localPart.Equals(name, StringComparison.OrdinalIgnoreCase);
}
