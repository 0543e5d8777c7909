using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.Postfix.Postconf;

namespace Estafette.Program.Commands;

/// <summary>postconf(1): shows and edits main.cf and master.cf. Files are taken octet by octet, so that nothing changes that was not asked for.</summary>
internal static class PostconfCommand
{
    private const string Letters = "aAbc:C:deEfFhHlmMno:pPtT:vxX#";

    private const string Usage = "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] [-c param_class] [-d (parameter defaults)]"
        + " [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)] [-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default parameters)]"
        + " [-o name=value (override parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)] [-t (bounce templates)] [-T compile-version|run-version|public-key-algorithms]"
        + " [-v (verbose)] [-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]";

    /// <summary>The table types that can be named, as <c>-m</c> lists them.</summary>
    private static readonly string[] s_mapTypes =
        ["btree", "cdb", "cidr", "environ", "fail", "hash", "inline", "lmdb", "pcre", "pipemap", "proxy", "randmap", "regexp", "static", "tcp", "texthash", "unionmap", "unix"];

    /// <param name="name">What the program was called, as every message begins.</param>
    public static int Run(string name, string[] args)
    {
        var parsed = new Arguments();
        foreach ((char option, string value) in Options(args, parsed))
            parsed.Take(option, Octets(value));
        PostconfRequest request = PostconfRun.Complete(new PostconfRequest
        {
            Folder = PostfixEnvironment.Folder(parsed.Folder),
            Machine = new LocalMachine(),
            Modes = parsed.Modes,
            Classes = parsed.Classes ?? ParameterClasses.All,
            Names = [.. parsed.Names.Select(Octets)],
            Overrides = [.. parsed.Overrides],
        });
        if ((parsed.Problem ?? PostconfRun.Conflict(request)) is { } problem)
            return Fatal(name, problem);
        if (request.Has(PostconfModes.Major & ~(PostconfModes.Main | PostconfModes.Master)))
            return Lists(name, request, parsed.TlsQuestion);
        if (request.Has(PostconfModes.Editing))
            return Edit(name, request);
        PostconfOutput output = PostconfRun.Show(request);
        Write(output.Text);
        return Tell(name, output);
    }

    /// <summary>Options first, as the original takes them: from the first word that is none on, all are names.</summary>
    private static List<(char Option, string Value)> Options(string[] args, Arguments parsed)
    {
        var options = new List<(char, string)>();
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--" || args[i].Length < 2 || args[i][0] != '-')
            {
                parsed.Names.AddRange(args[(args[i] == "--" ? i + 1 : i)..]);
                break;
            }
            for (int at = 1; at < args[i].Length; at++)
            {
                char option = args[i][at];
                int known = option == ':' ? -1 : Letters.IndexOf(option, StringComparison.Ordinal);
                bool takesValue = known >= 0 && known + 1 < Letters.Length && Letters[known + 1] == ':';
                if (known < 0 || (takesValue && at + 1 >= args[i].Length && i + 1 >= args.Length))
                {
                    Console.Error.WriteLine(known < 0 ? $"postconf: invalid option -- '{option}'" : $"postconf: option requires an argument -- '{option}'");
                    parsed.Problem ??= Usage;
                    return options;
                }
                if (!takesValue)
                {
                    options.Add((option, ""));
                    continue;
                }
                options.Add((option, at + 1 < args[i].Length ? args[i][(at + 1)..] : args[++i]));
                break;
            }
        }
        return options;
    }

    private static int Edit(string name, PostconfRequest request)
    {
        string path = PostconfRun.EditedFile(request);
        try
        {
            using var file = EditedFile.Open(path);
            string? text = PostconfRun.Edit(request, file.Text, out PostconfOutput output);
            if (text is not null)
                file.Replace(text);
            return Tell(name, output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string why = e is FileNotFoundException or DirectoryNotFoundException ? "No such file or directory" : e is UnauthorizedAccessException ? "Permission denied" : e.Message;
            return Fatal(name, "open " + path + ": " + why);
        }
    }

    private static int Lists(string name, PostconfRequest request, string? tlsQuestion)
    {
        if (request.Has(PostconfModes.BounceExpanded | PostconfModes.BounceRaw))
            return Fatal(name, "bounce templates are not there yet");
        if (request.Has(PostconfModes.Tls))
            return TlsAnswer(name, tlsQuestion!);
        string[] lines = request.Has(PostconfModes.MapTypes) ? s_mapTypes : request.Has(PostconfModes.Locks) ? ["flock", "fcntl", "dotlock"] : ["cyrus", "dovecot"];
        if (request.Has(PostconfModes.SaslClient))
            lines = ["cyrus"];
        Write(string.Concat(lines.Select(l => l + "\n")));
        return ExitCode.Ok;
    }

    private static int TlsAnswer(string name, string question)
    {
        string? answer = question switch
        {
            // What it was built against is what it runs with.
            "compile-version" or "run-version" => "OpenSSL " + FormatVersion(SafeEvpPKeyHandle.OpenSslVersion),
            "public-key-algorithms" => "ecdsa\nrsa",
            _ => null,
        };
        if (answer is null)
        {
            Console.Error.WriteLine(name + ": warning: unknown 'postconf -T' mode: " + question);
            return ExitCode.Failure;
        }
        Write(answer + "\n");
        return ExitCode.Ok;
    }

    private static string FormatVersion(long number) => $"{number >> 28 & 0xf}.{number >> 20 & 0xff}.{number >> 4 & 0xff}";

    private static int Tell(string name, PostconfOutput output)
    {
        foreach (string warning in output.Warnings)
            WriteError(name + ": warning: " + warning);
        return output.Failure is null ? ExitCode.Ok : Fatal(name, output.Failure);
    }

    private static int Fatal(string name, string problem)
    {
        WriteError(name + ": fatal: " + problem);
        return ExitCode.Failure;
    }

    private static void Write(string octets)
    {
        using Stream stream = Console.OpenStandardOutput();
        stream.Write(Encoding.Latin1.GetBytes(octets));
    }

    private static void WriteError(string octets)
    {
        using Stream stream = Console.OpenStandardError();
        stream.Write(Encoding.Latin1.GetBytes(octets + "\n"));
    }

    /// <summary>A character for each octet, as the files are read.</summary>
    private static string Octets(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>What the command line said.</summary>
    private sealed class Arguments
    {
        public List<string> Names { get; } = [];
        public List<string> Overrides { get; } = [];
        public PostconfModes Modes { get; private set; }
        public ParameterClasses? Classes { get; private set; }
        public string? Folder { get; private set; }
        public string? TlsQuestion { get; private set; }
        public string? Problem { get; set; }

        public void Take(char option, string value)
        {
            switch (option)
            {
                case 'c':
                    Folder = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(value));
                    return;
                case 'C':
                    Classes = ClassesOf(value);
                    return;
                case 'o':
                    Overrides.Add(value);
                    break;
                case 'T':
                    Problem ??= TlsQuestion is null ? null : "At most one -T <mode> option may be specified";
                    TlsQuestion = value;
                    break;
                case 'E':
                    Problem ??= Usage;
                    return;
            }
            Modes |= option switch
            {
                'a' => PostconfModes.SaslServer,
                'A' => PostconfModes.SaslClient,
                'b' => PostconfModes.BounceExpanded,
                'd' => PostconfModes.Defaults,
                'e' => PostconfModes.Edit,
                'f' => PostconfModes.Fold,
                'F' => PostconfModes.Fields,
                '#' => PostconfModes.CommentOut,
                'h' => PostconfModes.HideName,
                'H' => PostconfModes.HideValue,
                'l' => PostconfModes.Locks,
                'm' => PostconfModes.MapTypes,
                'M' => PostconfModes.Entries,
                'n' => PostconfModes.NotDefault,
                'o' => PostconfModes.Override,
                'p' => PostconfModes.Main,
                'P' => PostconfModes.Parameters,
                't' => PostconfModes.BounceRaw,
                'T' => PostconfModes.Tls,
                'x' => PostconfModes.Expand,
                'X' => PostconfModes.Exclude,
                _ => PostconfModes.None,
            };
        }

        private ParameterClasses ClassesOf(string list)
        {
            ParameterClasses classes = 0;
            foreach (string word in list.Split((char[])[' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries))
            {
                ParameterClasses? meant = word.ToLowerInvariant() switch
                {
                    "builtin" => ParameterClasses.Builtin,
                    "service" => ParameterClasses.Service,
                    "user" => ParameterClasses.User,
                    "all" => ParameterClasses.All,
                    _ => null,
                };
                if (meant is null)
                    Problem ??= "unknown -C option value \"" + word + "\" in \"" + list + "\"";
                classes |= meant ?? 0;
            }
            return classes;
        }
    }
}
