using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Reads smtpd.conf in the grammar of OpenSMTPD 6.4 and later (<c>action</c>, <c>match</c>) or of 5.3 to 6.3 (<c>accept</c>, <c>reject</c>), with this project's
/// additions. Which grammar it is the statements show; both in one configuration are an error. Never throws for what a file may hold: all
/// errors come together as findings, and then there is no model.
/// </summary>
public static class SmtpdConfReader
{
    public static ConfigResult Read(string path, ReadOptions options)
    {
        var findings = new Findings();
        var reader = new SourceReader(options.Machine, findings);
        ImmutableArray<Statement>? statements = new Parser(reader, findings).Parse(path);
        return statements is null ? Result(null, findings, reader) : Lower(path, options, findings, reader, statements.Value);
    }

    /// <summary>Reads a text that is no file, such as the embedded default configuration; <paramref name="name"/> stands for its path.</summary>
    public static ConfigResult ReadText(string name, string text, ReadOptions options)
    {
        var findings = new Findings();
        var reader = new SourceReader(options.Machine, findings);
        reader.Add(name, System.Text.Encoding.UTF8.GetBytes(text));
        return Lower(name, options, findings, reader, new Parser(reader, findings).Parse(name) ?? []);
    }

    private static ConfigResult Lower(string path, ReadOptions options, Findings findings, SourceReader reader, ImmutableArray<Statement> statements)
    {
        bool? old = Grammar(statements, findings);
        if (old is null)
            return Result(null, findings, reader);
        var context = new LoweringContext(findings, reader, options, old.Value);
        MailConfig config = new Lowering(context, statements).Lower(path);
        return Result(findings.HasErrors ? null : config, findings, reader);
    }

    private static ConfigResult Result(MailConfig? config, Findings findings, SourceReader reader) =>
        new(config, findings.InOrder(reader.Order)) { Sources = reader.Sources };

    /// <summary>True for the old grammar; null, with errors told, when statements of both stand in one configuration.</summary>
    private static bool? Grammar(ImmutableArray<Statement> statements, Findings findings)
    {
        Statement? old = statements.FirstOrDefault(s => s.Keyword.Value is "accept" or "reject") ?? statements.FirstOrDefault(s => Vocabulary.IsOldOnly(s.Keyword.Value));
        Statement? current = statements.FirstOrDefault(s => s.Keyword.Value is "action" or "match") ?? statements.FirstOrDefault(s => Vocabulary.IsNewOnly(s.Keyword.Value));
        if (old is null || current is null)
            return old is not null;
        bool oldFirst = string.Equals(old.Keyword.At.File, current.Keyword.At.File, StringComparison.Ordinal) && old.Keyword.At.Line < current.Keyword.At.Line;
        (Statement first, Statement second) = oldFirst ? (old, current) : (current, old);
        findings.Error(second.Keyword.At,
            "`" + second.Keyword.Value + "` belongs to the " + Name(second == old) + ", but `" + first.Keyword.Value + "` (" + first.Keyword.At + ") to the " + Name(first == old),
            "keep to one grammar; docs/smtpd-conf.md shows both side by side");
        return null;
    }

    private static string Name(bool old) => old ? "old grammar (OpenSMTPD up to 6.3)" : "new grammar (OpenSMTPD 6.4 and later)";
}
