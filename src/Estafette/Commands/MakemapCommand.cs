using Estafette.Tables;

namespace Estafette.Program.Commands;

/// <summary>makemap(8): <c>makemap [-U] [-d dbtype] [-o dbfile] [-t type] file</c>, and sendmail's <c>makemap type file &lt; source</c>.</summary>
internal static class MakemapCommand
{
    private const string Usage = """
        usage: makemap [-U] [-d dbtype] [-o dbfile] [-t type] file
               makemap type name < file        (as sendmail's; writes name.db)
          -o DBFILE  instead of file.db               -t aliases | set  how the text is read (default: key value)
          -U         print what file, a map, holds     -d hash | btree   taken and ignored
        """;
    private const string StandardInput = "-";

    public static int Run(string[] args) => Run(args, Console.Out, Console.Error);

    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        if (args is ["-h" or "--help"])
        {
            output.WriteLine(Usage);
            return ExitCode.Ok;
        }
        try
        {
            return Run(new Options(args), output, errors);
        }
        catch (ArgumentException e)
        {
            errors.WriteLine(e.Message);
            return ExitCode.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.WriteLine("makemap: " + e.Message);
            return ExitCode.Failure;
        }
    }

    private static int Run(Options options, TextWriter output, TextWriter errors)
    {
        string source = options.Source;
        if (options.Dump)
        {
            foreach ((string key, string value) in MapCompiler.Dump(source))
                output.WriteLine($"{key}\t{value}");
            return ExitCode.Ok;
        }
        bool piped = source == StandardInput;
        if (!piped && MapCompiler.WhyNot(source) is { } reason)
            throw new ArgumentException($"makemap: stat: {source}: {reason}");
        string text = piped ? Console.In.ReadToEnd() : File.ReadAllText(source);
        MapSource map = MapCompiler.Read(text, source, options.Kind);
        if (map.Error is not null)
            throw new ArgumentException("makemap: " + map.Error);
        string target = options.Output ?? source + ".db";
        try
        {
            MapCompiler.Write(target, map.Rows, piped ? null : source);
        }
        catch (UnauthorizedAccessException)
        {
            throw new ArgumentException($"makemap: cannot write {target}: permission denied");
        }
        if (map.Rows.IsEmpty)
            errors.WriteLine("makemap: warning: empty map created: " + target);
        if (!piped && options.Kind == MapKind.Plain && MapCompiler.ExposesSecrets(source, map))
            errors.WriteLine($"makemap: warning: everybody may read the secrets in {source} and {target} (chmod 640 {source} {target})");
        return ExitCode.Ok;
    }

    /// <summary>The arguments, as getopt(3) takes them; throws ArgumentException with the words for the user.</summary>
    private sealed class Options
    {
        public Options(string[] args)
        {
            var rest = new Queue<string>(args);
            while (rest.TryPeek(out string? word) && word.Length > 1 && word[0] == '-')
            {
                rest.Dequeue();
                if (word == "--")
                    break;
                for (int i = 1; i < word.Length; i++)
                {
                    if (word[i] == 'U')
                    {
                        Dump = true;
                        continue;
                    }
                    if (!"bCdoOt".Contains(word[i], StringComparison.Ordinal))
                        throw new ArgumentException(Usage);
                    string? value = i + 1 < word.Length ? word[(i + 1)..] : rest.TryDequeue(out string? next) ? next : null;
                    Set(word[i], value ?? throw new ArgumentException(Usage));
                    break;
                }
            }
            string[] files = [.. rest];
            Source = files.Length == 0 ? "" : files[^1];
            if (files.Length == 2 && Output is null)
            {
                // sendmail's form: the type, then the map without its suffix; the text comes on standard input.
                Set('d', files[0]);
                Output = Source.EndsWith(".db", StringComparison.Ordinal) ? Source : Source + ".db";
                Source = StandardInput;
            }
            else if (files.Length != 1)
                throw new ArgumentException(Usage);
            if (Source == StandardInput && Output is null)
                Output = "-.db";
        }

        public bool Dump { get; private set; }
        public string Source { get; }
        public string? Output { get; private set; }
        public MapKind Kind { get; private set; }

        private void Set(char option, string value)
        {
            switch (option)
            {
                case 'o':
                    Output = value;
                    break;
                case 't':
                    Kind = value switch
                    {
                        "aliases" => MapKind.Aliases,
                        "set" => MapKind.Set,
                        _ => throw new ArgumentException($"makemap: unsupported type '{value}'"),
                    };
                    break;
                case 'd' when value is not ("hash" or "btree" or "cdb" or "dbm"):
                    throw new ArgumentException($"makemap: unsupported DB type '{value}'");
            }
        }
    }
}
