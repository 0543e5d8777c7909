using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Looks at the files of tables before the start: present, readable in form, and secrets not open to everybody (E44, E54, O8, O27).
/// The lines of a file with secrets are never shown.
/// </summary>
internal sealed class TableFileCheck(LoweringContext context)
{
    public void Check(TableConfig table, bool credentials, bool used)
    {
        if (table.Kind == TableKind.File)
            CheckText(table, credentials);
        else if (table.Kind == TableKind.Db)
            CheckDb(table, credentials);
        else if (credentials && table.At.Line > 0)
            CheckSecrecy(table, table.At.File, credentials);
        if (!used && table.Kind != TableKind.Inline && !context.Findings.HasErrors)
            context.Findings.Note(table.At, "the table `" + table.Name + "` is not used");
    }

    private void CheckText(TableConfig table, bool credentials)
    {
        FileContent content = context.Machine.Read(table.Path);
        if (content.Failure is not null)
        {
            bool denied = context.Machine.Look(table.Path).Presence != FilePresence.Missing && content.Failure == "permission denied";
            if (denied)
                context.Findings.Warning(table.At, "`" + table.Path + "` cannot be looked at by this user", "run the check as root to have the file checked too");
            else
                context.Findings.Error(table.At, "`" + table.Path + "`, the file of the table `" + table.Name + "`, cannot be read: " + content.Failure, "create it, or correct the path");
            return;
        }
        CheckSecrecy(table, table.Path, credentials);
        if (TableFile.Parse(content.Bytes.Span).BadLine is not { } line)
            return;
        string cure = "write `key: value` on one line: a table's line is not continued by the next one";
        if (credentials)
            context.Findings.Error(new SourceSpan(table.Path, line, 1), "this entry of the table `" + table.Name + "` has no value", cure);
        else
            TellLine(table, context.Reader.Add(table.Path, content.Bytes.Span), line, cure);
    }

    private void TellLine(TableConfig table, SourceText source, int line, string cure)
    {
        string text = source.Line(line);
        int blanks = text.Length - text.TrimStart().Length;
        context.Findings.Error(new SourceSpan(table.Path, line, blanks + 1, Math.Max(1, text.Trim().Length)),
            "this entry of the table `" + table.Name + "` (" + table.At + ") has no value", cure);
    }

    private void CheckDb(TableConfig table, bool credentials)
    {
        FileState state = context.Machine.Look(table.Path);
        if (state.Presence == FilePresence.Present)
        {
            CheckSecrecy(table, table.Path, credentials);
            return;
        }
        string source = table.Path.EndsWith(".db", StringComparison.Ordinal) ? table.Path[..^3] : table.Path;
        if (state.Presence == FilePresence.Unknown)
        {
            context.Findings.Warning(table.At, "`" + table.Path + "` cannot be looked at by this user", "run the check as root to have the file checked too");
        }
        else if (source != table.Path && context.Machine.Look(source).Presence == FilePresence.Present)
        {
            CheckSecrecy(table, source, credentials);
            context.Findings.Warning(table.At, "`" + table.Path + "` is missing; its source `" + source + "` is read instead", "run `makemap " + source + "`, or write `file:" + source + "`");
        }
        else
        {
            context.Findings.Error(table.At, "`" + table.Path + "`, the file of the table `" + table.Name + "`, is missing",
                source == table.Path ? "create it with makemap, or correct the path" : "write `" + source + "` and run `makemap " + source + "`, or correct the path");
        }
    }

    private void CheckSecrecy(TableConfig table, string path, bool credentials)
    {
        FileState state = context.Machine.Look(path);
        if (credentials && state.OthersMayRead)
        {
            context.Findings.Warning(table.At, "`" + path + "` holds passwords and everybody on this machine may read it (mode " + state.Octal + ")",
                "run `chmod 640 " + path + "` and let its group be the server's" + (table.Kind == TableKind.Inline ? ", or move the passwords to a file of their own" : ""));
        }
    }
}
