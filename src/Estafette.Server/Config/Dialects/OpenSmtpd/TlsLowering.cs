using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// How TLS is spoken: <c>ciphers "..."</c>, <c>protocols "..."</c> and <c>no-tickets</c>, for the whole server (<c>smtp ciphers ...</c>, old: <c>ciphers ...</c>) and for
/// one listener, which begins with what holds for the server.
/// </summary>
internal sealed class TlsLowering(LoweringContext context)
{
    /// <summary>For the whole server.</summary>
    public TlsSettings Settings { get; private set; } = TlsSettings.Default;

    /// <summary>Declared before anything is lowered, so that a listener above the statement obeys it too.</summary>
    public void Declare(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        if (statement.Keyword.Value == "ciphers")
            Settings = Read(reader, Settings, TlsWords.Ciphers, "ciphers \"secure\"");
        else if (Take(reader, Settings) is { } settings)
            Settings = settings;
        else
            return;
        reader.ExpectEnd();
    }

    /// <summary>The settings with what stands here, which is passed; null where something else stands here.</summary>
    public TlsSettings? Take(StatementReader reader, TlsSettings before)
    {
        if (reader.Take("ciphers"))
            return Read(reader, before, TlsWords.Ciphers, "ciphers \"secure\"");
        if (reader.Take("protocols"))
            return Read(reader, before, TlsWords.Protocols, "protocols \"tlsv1.2:tlsv1.3\"");
        return reader.Take("no-tickets") ? before with { Tickets = false } : null;
    }

    private TlsSettings Read(StatementReader reader, TlsSettings before, Func<string, TlsSettings, TlsWordsResult> read, string example)
    {
        if (reader.TakeText("the list", example) is not { } text)
            return before;
        TlsWordsResult result = read(text.Value, before);
        if (result.Error is not null)
            reader.Fail(text.At, result.Error, result.Cure);
        foreach (string warning in result.Warnings)
            context.Findings.Warning(text.At, warning, "remove the word");
        return result.Settings;
    }
}
