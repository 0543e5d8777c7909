using System.Collections.Immutable;
using System.Text;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Program.Commands;

/// <summary><c>postmap -q</c> and <c>-s</c>: asks tables, and prints all that they have.</summary>
internal sealed class MapToolQueries(MapToolKind kind, MapToolOptions options, MapToolStreams streams, MapTool tool)
{
    /// <summary>Octets of a key from standard input, and of a file that is a value.</summary>
    private const int MaximumKey = 1 << 20, MaximumValue = 64 << 20;

    private readonly Dictionary<string, (TableConfig Table, TableSet Set)> _open = new(StringComparer.Ordinal);

    /// <summary>What stands between key and value beside the tabulator: the form of the source.</summary>
    private string KeyEnd => kind == MapToolKind.Alias ? ":" : "";

    private bool IsMessage => options.HeaderKeys || options.BodyKeys;

    public async Task<int> RunAsync(ImmutableArray<string> references, string query, CancellationToken cancellationToken)
    {
        using var output = new BufferedStream(streams.Output);
        bool found = false;
        IEnumerable<string> keys = query != "-" ? [query] : IsMessage ? new MessageKeys(options.HeaderKeys, options.BodyKeys, options.MimeKeys).Of(Lines(Encoding.Latin1)) : Lines(Encoding.UTF8);
        foreach (string key in keys)
        {
            foreach (string reference in references)
            {
                if (Open(reference) is not { } open)
                    return ExitCode.Failure;
                (string? value, bool failed) = await AskAsync(open.Table, open.Set, key, cancellationToken);
                if (failed)
                    return ExitCode.Failure;
                if (value is null)
                    continue;
                Encoding encoding = IsMessage ? Encoding.Latin1 : Encoding.UTF8;
                output.Write(encoding.GetBytes(query == "-" ? $"{key}{KeyEnd}\t{value}\n" : value + "\n"));
                found = true;
                break;
            }
            if (query != "-")
                break;
        }
        return found ? ExitCode.Ok : ExitCode.Failure;
    }

    public int Sequence(string reference)
    {
        if (reference.StartsWith("proxy:", StringComparison.Ordinal))
            return tool.Fatal("can't sequence maps via the proxy service");
        if (Open(reference) is not { } open)
            return ExitCode.Failure;
        if (open.Table.Kind == TableKind.Fail)
            return tool.Fatal($"table {reference}: sequence error: Application error");
        if (open.Table.Kind is not (TableKind.Indexed or TableKind.TextHash or TableKind.Inline))
            return tool.Fatal($"table {reference}: sequence operation is not supported");
        using var output = new BufferedStream(streams.Output);
        TableContent content = open.Set.Content(reference);
        foreach ((string key, string stored) in content.Rows)
        {
            string value = stored;
            if (key.Length == 0)
                tool.Warn($"table {reference}: empty lookup key value is not allowed");
            else if (value.Length == 0)
                WarnOfEmpty(reference, key);
            if (options.ValuesAreFiles && Content(open.Table, value, out string? problem) is var content2)
            {
                if (problem is not null)
                {
                    tool.Warn($"table {reference}: key {key}: {problem}");
                    continue;
                }
                value = content2;
            }
            output.Write(Encoding.UTF8.GetBytes($"{key}{KeyEnd}\t{value}\n"));
        }
        return content.Failure is null ? ExitCode.Ok : tool.Fatal($"table {reference}: sequence error: {content.Failure}");
    }

    private (TableConfig Table, TableSet Set)? Open(string reference)
    {
        if (_open.TryGetValue(reference, out (TableConfig, TableSet) open))
            return open;
        if (tool.Table(reference) is not { } table)
            return null;
        if (table.Kind == TableKind.Indexed && !File.Exists(table.Files[0]))
        {
            // What the server would do until postmap has run is no answer to who asks the compiled file.
            tool.Fatal($"open database {table.Files[0]}: No such file or directory");
            return null;
        }
        TableSet set = MapTool.Open(table);
        foreach (string remark in set.Remarks(table))
            tool.Warn(remark);
        if (set.Failure(table) is { } failure)
        {
            tool.Fatal(failure);
            return null;
        }
        return _open[reference] = (table, set);
    }

    private async Task<(string? Value, bool Failed)> AskAsync(TableConfig table, TableSet set, string key, CancellationToken cancellationToken)
    {
        MapUse use = (options.Folds ? 0 : MapUse.KeepCase) | (IsMessage ? MapUse.Octets : 0);
        // An empty key has no entry anywhere, but patterns may match it.
        TableAnswer answer = await set.AskAsync(table.Name, key, use, cancellationToken);
        if (answer is TableAnswer.Unavailable unavailable)
        {
            tool.Fatal($"table {table.Name}: query error: {(table.Kind == TableKind.Fail ? "Application error" : unavailable.Reason)}");
            return (null, true);
        }
        if (answer is not TableAnswer.Found { Value: var value })
            return (null, false);
        if (options.ValuesAreFiles)
        {
            value = Content(table, value, out string? problem);
            if (problem is not null)
            {
                tool.Warn($"table {table.Name}: key {key}: {problem}");
                tool.Fatal($"table {table.Name}: query error");
                return (null, true);
            }
        }
        if (value.Length == 0)
            WarnOfEmpty(table.Name, key);
        return (value, false);
    }

    private void WarnOfEmpty(string table, string key)
    {
        tool.Warn($"table {table}: key {key}: empty string result is not allowed");
        tool.Warn($"table {table} should return NO RESULT in case of NOT FOUND");
    }

    /// <summary>What <c>-F</c> put into a compiled file; in all others the value still is the file's name.</summary>
    private static string Content(TableConfig table, string value, out string? problem)
    {
        problem = null;
        if (table.Kind != TableKind.Indexed)
            return MapFileValue.Read(value, MaximumValue, out problem) is { } octets ? Encoding.UTF8.GetString(octets.Span) : "";
        byte[] decoded = new byte[value.Length];
        if (Convert.TryFromBase64String(value, decoded, out int length))
            return Encoding.UTF8.GetString(decoded.AsSpan(0, length));
        problem = $"malformed BASE64 value: {(value.Length > 30 ? value[..30] : value)}";
        return "";
    }

    /// <summary>The lines of standard input without their ends; a longer one than any table's key is cut in pieces.</summary>
    private IEnumerable<string> Lines(Encoding encoding)
    {
        using var input = new BufferedStream(streams.Input);
        var line = new MemoryStream();
        int octet;
        while ((octet = input.ReadByte()) >= 0)
        {
            if (octet != '\n')
                line.WriteByte((byte)octet);
            if (octet != '\n' && line.Length < MaximumKey)
                continue;
            yield return Take();
        }
        if (line.Length > 0)
            yield return Take();

        string Take()
        {
            string text = encoding.GetString(line.GetBuffer().AsSpan(0, (int)line.Length));
            line.SetLength(0);
            return text;
        }
    }
}

/// <summary>A file that a value names (<c>postmap -F</c>).</summary>
internal static class MapFileValue
{
    public static ReadOnlyMemory<byte>? Read(string path, int maximum, out string? problem)
    {
        problem = null;
        try
        {
            return RegularFile.ReadOctets(path, maximum);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"open {path}: {MapCompiler.WhyNot(path) ?? (Directory.Exists(path) ? "Is a directory" : e is UnauthorizedAccessException ? "Permission denied" : e.Message)}";
            return null;
        }
    }
}
