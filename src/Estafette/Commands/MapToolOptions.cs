using System.Collections.Immutable;

namespace Estafette.Program.Commands;

/// <summary>What becomes of a second entry with one key.</summary>
internal enum DuplicateEntries : byte { Warn, Ignore, Replace }

/// <summary>The arguments of postmap(1) and postalias(1), as getopt(3) takes them: options end at the first word that is none.</summary>
internal sealed record MapToolOptions
{
    private const string Clash = "specify only one of -s or -q or -d";

    public string? Config { get; private init; }
    public string? Query { get; private init; }
    public string? Delete { get; private init; }
    public bool Sequence { get; private init; }

    /// <summary><c>-i</c>: entries are added, from standard input.</summary>
    public bool Incremental { get; private init; }
    public DuplicateEntries Duplicates { get; private init; }

    /// <summary>False with <c>-f</c>.</summary>
    public bool Folds { get; private init; } = true;

    /// <summary><c>-F</c>: values are names of files whose content is meant.</summary>
    public bool ValuesAreFiles { get; private init; }

    /// <summary><c>-N</c>: keys and values end with a NUL in the file.</summary>
    public bool WithNul { get; private init; }

    /// <summary>False with <c>-o</c>: the result does not belong to the owner of the source.</summary>
    public bool AsOwner { get; private init; } = true;

    /// <summary>False with <c>-p</c>: the result is readable for all, whoever may read the source.</summary>
    public bool SavesPermissions { get; private init; } = true;
    public bool HeaderKeys { get; private init; }
    public bool BodyKeys { get; private init; }
    public bool MimeKeys { get; private init; }
    public ImmutableArray<string> Maps { get; private init; } = [];

    /// <summary>What is wrong with the arguments: lines for standard error, the last of them fatal.</summary>
    public ImmutableArray<string> Problems { get; private init; } = [];

    public static MapToolOptions Parse(MapToolKind kind, string[] args)
    {
        string letters = kind == MapToolKind.Alias ? "Nc:d:finopq:rsuvw" : "bc:d:fFhimnNopq:rsuUvw";
        var options = new MapToolOptions();
        int at = 0;
        for (; at < args.Length && args[at].Length > 1 && args[at][0] == '-'; at++)
        {
            if (args[at] == "--")
            {
                at++;
                break;
            }
            for (int i = 1; i < args[at].Length; i++)
            {
                char letter = args[at][i];
                int known = letter == ':' ? -1 : letters.IndexOf(letter, StringComparison.Ordinal);
                if (known < 0)
                    return options with { Problems = [$"invalid option -- '{letter}'", Usage(kind)] };
                if (known + 1 == letters.Length || letters[known + 1] != ':')
                {
                    options = options.With(letter, "");
                    continue;
                }
                if (i + 1 == args[at].Length && at + 1 == args.Length)
                    return options with { Problems = [$"option requires an argument -- '{letter}'", Usage(kind)] };
                options = options.With(letter, i + 1 < args[at].Length ? args[at][(i + 1)..] : args[++at]);
                break;
            }
            if (!options.Problems.IsEmpty)
                return options;
        }
        return options with { Maps = [.. args[Math.Min(at, args.Length)..]] };
    }

    public static string Usage(MapToolKind kind) => kind == MapToolKind.Alias
        ? "fatal: usage: postalias [-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file..."
        : "fatal: usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";

    private MapToolOptions With(char letter, string value)
    {
        switch (letter)
        {
            case 'd' or 'q' or 's' when Query is not null || Delete is not null || (Sequence && letter != 's'):
                return this with { Problems = ["fatal: " + (letter == 's' ? Clash : "specify only one of -s -q or -d")] };
            case 'q':
                return this with { Query = value };
            case 'd':
                return this with { Delete = value };
            case 's':
                return this with { Sequence = true };
            case 'c':
                return this with { Config = value };
            case 'i':
                return this with { Incremental = true };
            case 'r':
                return this with { Duplicates = DuplicateEntries.Replace };
            case 'w':
                return this with { Duplicates = DuplicateEntries.Ignore };
            case 'f':
                return this with { Folds = false };
            case 'F':
                return this with { ValuesAreFiles = true };
            case 'n' or 'N':
                return this with { WithNul = letter == 'N' };
            case 'o':
                return this with { AsOwner = false };
            case 'p':
                return this with { SavesPermissions = false };
            case 'h':
                return this with { HeaderKeys = true };
            case 'b':
                return this with { BodyKeys = true };
            case 'm':
                return this with { MimeKeys = true };
            default:
                // -u and -U switch checks of UTF-8, -v more words: nothing here depends on them.
                return this;
        }
    }
}
