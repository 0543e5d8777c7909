namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>The words that begin a statement, and which of the two grammars they show.</summary>
internal static class Vocabulary
{
    private static readonly string[] Common =
        ["ca", "include", "limit", "listen", "log", "nameserver", "pki", "queue", "retry", "table", "filter"];

    private static readonly string[] New =
        ["action", "admd", "bounce", "match", "mda", "mta", "proc", "scheduler", "smtp", "srs"];

    private static readonly string[] Old =
        ["accept", "bounce-warn", "ciphers", "expire", "max-message-size", "max-mta-deferred", "reject", "subaddressing-delimiter"];

    private static readonly HashSet<string> All = new([.. Common, .. New, .. Old], StringComparer.Ordinal);

    public static IEnumerable<string> Statements => All;

    /// <summary>True for a statement's word in the first column: where reading goes on when a brace was forgotten.</summary>
    public static bool BeginsStatement(Token token) => token.Kind == TokenKind.Word && token.At.Column == 1 && All.Contains(token.Text);

    public static bool IsNewOnly(string word) => New.Contains(word, StringComparer.Ordinal);

    public static bool IsOldOnly(string word) => Old.Contains(word, StringComparer.Ordinal);
}
