using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Program.Commands;

/// <summary>Makes compiled files from their sources, and adds and deletes entries. A file is replaced whole or not at all, so that a server that reads it never sees half of one.</summary>
internal sealed class MapToolUpdates(MapToolKind kind, MapToolOptions options, MapToolStreams streams, MapTool tool, string hostName)
{
    /// <summary>Octets of a source, and of a file that is a value.</summary>
    private const int MaximumSource = 1 << 30, MaximumValue = 64 << 20;

    private const UnixFileMode ForOthers = UnixFileMode.GroupRead | UnixFileMode.OtherRead, ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How long another one that changes the same file is waited for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public int Make(ImmutableArray<string> references)
    {
        foreach (string reference in references)
        {
            if (MakeOne(reference) is not ExitCode.Ok and int code)
                return code;
        }
        return ExitCode.Ok;
    }

    public int Delete(ImmutableArray<string> references, string key)
    {
        string[] keys = key == "-" ? ReadAll(streams.Input).Split('\n', StringSplitOptions.RemoveEmptyEntries) : [key];
        bool found = false;
        foreach (string reference in references)
        {
            if (tool.Table(reference) is not { } table)
                return ExitCode.Failure;
            if (table.Kind != TableKind.Indexed)
                return NotDeletable(table, reference);
            (int code, bool removed) = Change(table, mustExist: true, entries => keys.Count(k => entries.Remove(Fold(k))) > 0);
            if (code != ExitCode.Ok)
                return code;
            found |= removed;
        }
        return found ? ExitCode.Ok : ExitCode.Failure;
    }

    private int NotDeletable(TableConfig table, string reference) => table.Kind switch
    {
        TableKind.Static or TableKind.Environment => tool.Fatal($"table {reference}: delete operation is not supported"),
        TableKind.Fail => tool.Fatal($"table {reference}: delete error: Application error"),
        TableKind.Inline when reference.StartsWith("internal:", StringComparison.Ordinal) => ExitCode.Failure,
        _ => tool.Fatal($"{reference} map requires O_RDONLY access mode"),
    };

    private int MakeOne(string reference)
    {
        int colon = reference.IndexOf(':', StringComparison.Ordinal);
        (string type, string path) = (reference[..colon], reference[(colon + 1)..]);
        string text = "";
        if (!options.Incremental)
        {
            if (type == "proxy")
                return tool.Fatal("can't create maps via the proxy service");
            if (MapFileValue.Read(path, MaximumSource, out string? problem) is not { } octets)
                return tool.Fatal(problem!);
            text = Decode(octets.Span);
        }
        TableConfig? table = MapReferences.Parse(reference, new SourceSpan(reference, 0, 0)).Table;
        if (table?.Kind != TableKind.Indexed)
            return tool.Fatal($"unsupported dictionary type: {type}{(MapReferences.Types.Contains(type) ? " does not support bulk-mode creation." : $". Is the postfix-{type} package installed?")}");
        if (options.Incremental)
            return Change(table, mustExist: false, entries => Fill(entries, ReadAll(streams.Input), "stdin")).Code;
        var made = new MapEntriesByKey { Shown = ShownAs(table) };
        Fill(made, text, path);
        return Write(table, made, MapAccess.Of(path));
    }

    private bool Fill(MapEntriesByKey entries, string text, string source)
    {
        string shown = entries.Shown;
        var notes = new Action<MapNote>(n => tool.Warn(n.Place switch
        {
            NotePlace.Line => string.Create(CultureInfo.InvariantCulture, $"{source}, line {n.Line}: {n.Text}"),
            NotePlace.File => $"{source}: {n.Text}",
            _ => n.Text,
        }));
        foreach (MapEntry entry in kind == MapToolKind.Alias ? AliasText.Read(text, notes) : MapText.Read(text, notes))
        {
            string value = entry.Value;
            if (options.ValuesAreFiles)
            {
                if (MapFileValue.Read(value, MaximumValue, out string? problem) is not { } octets)
                {
                    notes(new MapNote(entry.Line, problem + ": skipping this entry"));
                    continue;
                }
                value = Convert.ToBase64String(octets.Span);
            }
            string key = Fold(entry.Key);
            if (!entries.Add(key, value, replace: options.Duplicates == DuplicateEntries.Replace) && options.Duplicates == DuplicateEntries.Warn)
                tool.Warn($"{shown}: duplicate entry: \"{key}\"");
        }
        if (kind == MapToolKind.Alias)
            Sign(entries);
        return true;
    }

    /// <summary>What says that an alias file is complete, and when and where it was made: others read that (NIS, sendmail).</summary>
    private void Sign(MapEntriesByKey entries)
    {
        entries.Add("@", "@", replace: true);
        entries.Add("YP_LAST_MODIFIED", DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString("D10", CultureInfo.InvariantCulture), replace: true);
        entries.Add("YP_MASTER_NAME", hostName, replace: true);
    }

    /// <summary>Reads the compiled file, changes what it holds and writes it anew, while nobody else does so.</summary>
    private (int Code, bool Changed) Change(TableConfig table, bool mustExist, Func<MapEntriesByKey, bool> change)
    {
        string path = table.Files[0];
        var entries = new MapEntriesByKey { Shown = ShownAs(table) };
        try
        {
            using FileStream? own = MapLock.Take(path, s_patience);
            if (own is null && mustExist)
                return (tool.Fatal($"open database {path}: No such file or directory"), false);
            if (own is not null)
            {
                foreach ((string key, string value) in MapCompiler.Dump(path))
                    entries.Add(key, value, replace: false);
            }
            if (!change(entries))
                return (ExitCode.Ok, false);
            return (Write(table, entries, own is null ? InputAccess() : MapAccess.Of(path)), true);
        }
        catch (UnauthorizedAccessException)
        {
            return (tool.Fatal($"open database {path}: Permission denied"), false);
        }
        catch (IOException e)
        {
            return (tool.Fatal($"{e.Message} (run {(kind == MapToolKind.Alias ? "postalias" : "postmap")} {table.Path})"), false);
        }
    }

    private int Write(TableConfig table, MapEntriesByKey entries, MapAccess source)
    {
        string path = table.Files[0];
        try
        {
            IEnumerable<KeyValuePair<string, string>> rows = options.WithNul ? entries.All.Select(r => KeyValuePair.Create(r.Key + "\0", r.Value + "\0")) : entries.All;
            MapCompiler.Write(path, rows, File.Exists(path) ? MapAccess.Of(path) : Access(source));
            return ExitCode.Ok;
        }
        catch (UnauthorizedAccessException)
        {
            return tool.Fatal($"open database {path}: Permission denied");
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return tool.Fatal($"table {table.Name}: write error: {e.Message}");
        }
    }

    /// <summary>A new file may be read by those who may read its source, and belongs to whom that belongs.</summary>
    private MapAccess Access(MapAccess source) => new(
        ForOwner | (options.SavesPermissions ? source.Mode & ForOthers : ForOthers), options.AsOwner ? source.User : null, options.AsOwner ? source.Group : null);

    /// <summary>Standard input is a source with permissions only where it is a file.</summary>
    private static MapAccess InputAccess() =>
        FileStamp.TryRead("/dev/stdin", out FileStamp stamp, out _) && stamp.IsRegular ? MapAccess.Of("/dev/stdin") : MapAccess.ForAll;

    private static string ShownAs(TableConfig table) => table.Suffix == ".db" ? table.Files[0] : table.Suffix == ".lmdb" ? table.Name : table.Path;

    private string Fold(string key) => options.Folds ? MapKey.Fold(key) : key;

    private static string ReadAll(Stream input)
    {
        using var all = new MemoryStream();
        input.CopyTo(all);
        return Decode(all.GetBuffer().AsSpan(0, (int)all.Length));
    }

    private static string Decode(ReadOnlySpan<byte> octets) => Encoding.UTF8.GetString(octets.StartsWith(Encoding.UTF8.Preamble) ? octets[Encoding.UTF8.Preamble.Length..] : octets);
}
