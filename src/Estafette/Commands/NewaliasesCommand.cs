using System.Collections.Immutable;
using Estafette.Config.Dialects.Postfix;
using Estafette.Program.Submission.Postfix;
using Estafette.Tables;

namespace Estafette.Program.Commands;

/// <summary>
/// newaliases(8): compiles the text of the table named <c>aliases</c>, whether the server runs or not (O6). Where the configuration has none,
/// the first that exists of the usual places is taken.
/// </summary>
internal static class NewaliasesCommand
{
    private const string Usage = """
        usage: newaliases [-f FILE]
          compiles the file of `table aliases` (FILE: the configuration, default /etc/smtpd.conf), else /etc/mail/aliases or /etc/aliases, into its .db
        """;
    private const string DefaultConfiguration = "/etc/smtpd.conf";
    private const string CompiledSuffix = ".db";
    private static readonly string[] UsualPlaces = ["/etc/mail/aliases", "/etc/aliases"];

    /// <summary>As the language of the configuration that is meant has it; in Postfix's it is a name of sendmail(1).</summary>
    public static async Task<int> RunAsync(string[] args) => PostfixEnvironment.IsMeant() ? await PostfixSendmail.RunAsync("newaliases", args) : Run(args, Console.Out, Console.Error);

    /// <summary>Compiles all of <c>alias_database</c>, as <c>postalias</c> does (newaliases(1) of Postfix).</summary>
    public static async Task<int> CompileDatabasesAsync()
    {
        ImmutableArray<string> databases = MapReferences.Split(PostfixEnvironment.Values(null)["alias_database"]);
        return databases.IsEmpty ? ExitCode.Ok : await MapTool.RunAsync(MapToolKind.Alias, ["--", .. databases], MapToolStreams.Console(), CancellationToken.None);
    }

    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        string? configuration = Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG");
        switch (args)
        {
            case []:
                break;
            case ["-h" or "--help"]:
                output.WriteLine(Usage);
                return ExitCode.Ok;
            case ["-f", { } named]:
                if (MapCompiler.WhyNot(named) is { } unread)
                {
                    errors.WriteLine($"newaliases: the configuration {named}: {unread}");
                    return ExitCode.Failure;
                }
                configuration = named;
                break;
            case [{ Length: > 2 } joined] when joined.StartsWith("-f", StringComparison.Ordinal):
                configuration = joined[2..];
                break;
            default:
                errors.WriteLine(Usage);
                return ExitCode.Failure;
        }
        try
        {
            return Compile(SourceOf(string.IsNullOrEmpty(configuration) ? DefaultConfiguration : configuration), output, errors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine("newaliases: " + e.Message);
            return ExitCode.Failure;
        }
    }

    private static int Compile(string source, TextWriter output, TextWriter errors)
    {
        if (MapCompiler.WhyNot(source) is { } reason)
        {
            errors.WriteLine($"newaliases: stat: {source}: {reason}");
            return ExitCode.Failure;
        }
        MapSource map = MapCompiler.Read(File.ReadAllText(source), source, MapKind.Aliases);
        if (map.Error is not null)
        {
            errors.WriteLine("newaliases: " + map.Error);
            return ExitCode.Failure;
        }
        try
        {
            MapCompiler.Write(source + CompiledSuffix, map.Rows, source);
        }
        catch (UnauthorizedAccessException)
        {
            // The name in the exception is the temporary one.
            errors.WriteLine($"newaliases: cannot write {source + CompiledSuffix}: permission denied (who owns {Path.GetDirectoryName(Path.GetFullPath(source))} may run this)");
            return ExitCode.Failure;
        }
        output.WriteLine($"{source}: {map.Rows.Length} aliases");
        return ExitCode.Ok;
    }

    /// <summary>
    /// Takes the path out of the configuration's <c>table aliases</c> line. The text is looked at by line and not compiled: rebuilding the aliases
    /// must work while something else in the configuration is broken.
    /// </summary>
    private static string SourceOf(string configuration)
    {
        foreach (string line in File.Exists(configuration) ? File.ReadLines(configuration) : [])
        {
            string[] words = line.Split([' ', '\t', '"'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["table", "aliases", { } source, ..] && source.IndexOf(':', StringComparison.Ordinal) is > 0 and int colon)
            {
                string path = source[(colon + 1)..];
                return path.EndsWith(CompiledSuffix, StringComparison.Ordinal) ? path[..^CompiledSuffix.Length] : path;
            }
        }
        return UsualPlaces.FirstOrDefault(File.Exists) ?? UsualPlaces[0];
    }
}
