using System.Collections.Immutable;
using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Program.Commands;

internal enum MapToolKind : byte { Map, Alias }

/// <summary>What a tool reads and prints: octets, since keys may be lines of a message.</summary>
internal sealed record MapToolStreams(Stream Input, Stream Output, TextWriter Errors)
{
    public static MapToolStreams Console() => new(System.Console.OpenStandardInput(), System.Console.OpenStandardOutput(), System.Console.Error);
}

/// <summary>
/// postmap(1) and postalias(1): makes, asks and changes tables, with the original's options, words and exit codes. What they write is what this server reads: a constant database under the name that administrators
/// expect, <c>FILE.db</c> for hash: and btree:. A file of the original is never changed: it is replaced whole, or refused.
/// </summary>
internal sealed class MapTool
{
    private readonly MapToolKind _kind;
    private readonly MapToolOptions _options;
    private readonly MapToolStreams _streams;
    private readonly string _program;

    private MapTool(MapToolKind kind, MapToolOptions options, MapToolStreams streams)
    {
        _kind = kind;
        _options = options;
        _streams = streams;
        _program = kind == MapToolKind.Alias ? "postalias" : "postmap";
    }

    public static async Task<int> RunAsync(MapToolKind kind, string[] args, MapToolStreams streams, CancellationToken cancellationToken)
    {
        var tool = new MapTool(kind, MapToolOptions.Parse(kind, args), streams);
        return await tool.RunAsync(cancellationToken);
    }

    private async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (!_options.Problems.IsEmpty)
        {
            foreach (string problem in _options.Problems)
                Print(problem);
            return ExitCode.Failure;
        }
        string folder = PostfixEnvironment.Folder(_options.Config);
        if ((_options.Config ?? Environment.GetEnvironmentVariable("MAIL_CONFIG")) is { Length: > 0 } && !File.Exists(Path.Combine(folder, "main.cf")))
            return Fatal($"open {Path.Combine(folder, "main.cf")}: No such file or directory");
        if (KeyProblem() is { } misuse)
            return Fatal(misuse);
        if (_options.MimeKeys && !_options.HeaderKeys && !_options.BodyKeys)
            Warn("ignoring -m option without -b or -h");
        if (_options.Maps.IsEmpty)
        {
            if (_options.Sequence)
                return ExitCode.Failure;
            Print(MapToolOptions.Usage(_kind));
            return ExitCode.Failure;
        }
        PostfixValues values = PostfixEnvironment.Values(_options.Config);
        string defaultType = values["default_database_type"] is { Length: > 0 } type ? type : "hash";
        ImmutableArray<string> references = [.. _options.Maps.Select(m => m.Contains(':', StringComparison.Ordinal) ? m : defaultType + ":" + m)];
        if (_options.Query is { } query)
            return await new MapToolQueries(_kind, _options, _streams, this).RunAsync(references, query, cancellationToken);
        if (_options.Sequence)
            return new MapToolQueries(_kind, _options, _streams, this).Sequence(references[0]);
        var updates = new MapToolUpdates(_kind, _options, _streams, this, values["myhostname"]);
        return _options.Delete is { } key ? updates.Delete(references, key) : updates.Make(references);
    }

    private string? KeyProblem() => (_options.HeaderKeys || _options.BodyKeys || _options.MimeKeys) && _options.Query != "-" ? "specify -b -h or -m only with \"-q -\"" : null;

    /// <summary>The table that a reference names; null when it was told what is wrong.</summary>
    public TableConfig? Table(string reference)
    {
        MapReference read = MapReferences.Parse(reference, new SourceSpan(_program, 0, 0));
        if (read.Table is null)
            Fatal(read.Problem);
        return read.Table;
    }

    public static TableSet Open(TableConfig table)
    {
        var config = new MailConfig { Dialect = Dialect.Postfix, Source = "", HostName = "", Tables = ImmutableDictionary<string, TableConfig>.Empty.Add(table.Name, table) };
        return new TableSet(config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
    }

    public void Warn(string text) => Print("warning: " + text);

    public int Fatal(string text)
    {
        Print("fatal: " + text);
        return ExitCode.Failure;
    }

    /// <summary>What somebody else wrote must not steer the terminal.</summary>
    private void Print(string text)
    {
        var line = new StringBuilder(_program.Length + 2 + text.Length).Append(_program).Append(": ");
        foreach (char c in text)
            line.Append(char.IsControl(c) || c == '\uFFFD' ? '?' : c);
        _streams.Errors.WriteLine(line.ToString());
    }
}
