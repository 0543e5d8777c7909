using Estafette.Config.Model;

namespace Estafette.Tables;

/// <summary>Findings about one table's contents, for <c>check</c> and for the start.</summary>
internal static class TableCheck
{
    public static IEnumerable<Diagnostic> Of(LookupTable table)
    {
        TableConfig config = table.Config;
        LoadedTable loaded = table.Current();
        if (loaded.Warning is { } warning)
            yield return new Diagnostic(Severity.Warning, config.At, $"table {config.Name}: {warning}");
        foreach (MapNote note in loaded.Notes)
            yield return new Diagnostic(Severity.Warning, config.Path.Length > 0 ? new SourceSpan(config.Path, note.Line, 1) : config.At, $"table {config.Name}: {note.Text}");
        if (loaded.Malformed)
        {
            string file = loaded.FromText ? TableSource.SourceOf(config.Path) : config.Path;
            yield return new Diagnostic(Severity.Error, new SourceSpan(file, loaded.Line, 1), $"table {config.Name}: {loaded.Failure}", "write each entry whole, as `key value`, on one line");
        }
        else if (loaded.Failure is { } failure)
            yield return new Diagnostic(loaded.Denied ? Severity.Warning : Severity.Error, config.At, $"table {config.Name}: {failure}", Cure(config, loaded));
    }

    private static string Cure(TableConfig config, LoadedTable loaded)
    {
        if (loaded.Denied)
            return "its content was not checked; run the check as root";
        return config.Kind == TableKind.Db ? $"make it with `makemap {TableSource.SourceOf(config.Path)}`" : "make the file, or name the one that is meant";
    }
}
