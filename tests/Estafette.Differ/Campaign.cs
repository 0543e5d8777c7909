using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Estafette.Differ.Cases;
using Estafette.Differ.Observing;
using Estafette.Differ.Sandbox;

namespace Estafette.Differ;

/// <summary>What `./differ` was asked for.</summary>
internal sealed record CampaignOptions
{
    public int First { get; init; } = 1;
    public int Cases { get; init; } = 300;
    public int Jobs { get; init; } = 2;
    public bool Verbose { get; init; }

    /// <summary>Wording counts as well.</summary>
    public bool Words { get; init; }

    /// <summary>A folder with a scenario, or one of such folders, instead of generated cases.</summary>
    public string? Folder { get; init; }

    /// <summary>Write down what Postfix does in `expected.txt` beside each scenario, and compare nothing.</summary>
    public bool Record { get; init; }

    /// <summary>Where generated cases and observations are written.</summary>
    public string Output { get; init; } = "out/differ";
}

/// <summary>Runs cases through the machine's Postfix and through Estafette, and tells where they differ: seed, section, both observations.</summary>
internal static class Campaign
{
    private const string Usage = """
        usage: ./differ [--cases N] [--seed N] [-j N] [-v] [--words] [--out DIR] [--scenario DIR [--record]]
          Runs generated configurations and mail through Debian's Postfix and through Estafette, each in a sandbox, and compares. Needs root.
          --seed N        the first seed; alone: only this one           --cases N   how many from there (default 300)
          -j N            cases at a time (default 2)                    -v          every difference, and the end of both logs
          --words         the wording of replies and notifications counts as well
          --scenario DIR  a folder with a scenario (or one of such folders) instead; its expected.txt, where there is one, stands for Postfix
          --record        writes expected.txt anew                        --out DIR   where cases and observations are kept (default out/differ)
        """;

    public static async Task<int> MainAsync(string[] args)
    {
        CampaignOptions? options = Parse(args);
        if (options is null)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/sbin/postfix"))
        {
            Console.Error.WriteLine("differ: needs root and Debian's package postfix");
            return 2;
        }
        string bin = Environment.GetEnvironmentVariable("ESTAFETTE_TEST_BIN") ?? Path.GetFullPath("out/bin");
        string[] folders = options.Folder is null ? [.. Enumerable.Range(options.First, options.Cases).Select(seed => CaseWriter.Write(seed, options.Output))]
            : File.Exists(Path.Combine(options.Folder, "scenario")) ? [options.Folder]
            : [.. Directory.GetDirectories(options.Folder).Order(StringComparer.Ordinal)];
        if (options.Record)
            return await RecordAsync(folders, options);
        var results = new SortedDictionary<string, IReadOnlyList<Difference>>(StringComparer.Ordinal);
        await Parallel.ForEachAsync(folders, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, async (folder, _) =>
        {
            IReadOnlyList<Difference> differences = await CompareAsync(folder, bin, options);
            lock (results)
            {
                results[folder] = differences;
                Tell(folder, differences, options);
            }
        });
        int behaviour = results.Values.Count(d => d.Any(x => !x.WordsOnly)), words = results.Values.Count(d => d.Count > 0) - behaviour;
        Console.WriteLine($"{results.Count} cases: {results.Count - behaviour - words} the same, {words} in other words, {behaviour} differ");
        return behaviour == 0 && (words == 0 || !options.Words) ? 0 : 1;
    }

    private static async Task<IReadOnlyList<Difference>> CompareAsync(string folder, string bin, CampaignOptions options)
    {
        Observation expected = await OfPostfixAsync(folder, options), actual = await PrivateSystem.RunAsync(folder, bin);
        await File.WriteAllTextAsync(Path.Combine(Kept(folder, options), "estafette.txt"), actual.Write());
        return Comparison.Of(expected, actual);
    }

    /// <summary>What Postfix did is kept beside a generated case, and used again as long as case and runner are the same.</summary>
    private static async Task<Observation> OfPostfixAsync(string folder, CampaignOptions options)
    {
        string recorded = Path.Combine(folder, "expected.txt");
        if (File.Exists(recorded))
            return Observation.Read(await File.ReadAllTextAsync(recorded));
        string kept = Path.Combine(Kept(folder, options), "postfix.txt"), mark = Path.Combine(Kept(folder, options), "postfix.key");
        string key = Key(folder);
        if (options.Folder is null && File.Exists(kept) && File.Exists(mark) && await File.ReadAllTextAsync(mark) == key)
            return Observation.Read(await File.ReadAllTextAsync(kept));
        Observation observation = await PrivateSystem.RunAsync(folder, null);
        await File.WriteAllTextAsync(kept, observation.Write());
        await File.WriteAllTextAsync(mark, key);
        return observation;
    }

    private static string Kept(string folder, CampaignOptions options) =>
        options.Folder is null ? folder : Directory.CreateDirectory(Path.Combine(options.Output, Path.GetFileName(Path.GetFullPath(folder)))).FullName;

    private static async Task<int> RecordAsync(string[] folders, CampaignOptions options)
    {
        await Parallel.ForEachAsync(folders, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, async (folder, _) =>
        {
            Observation observation = await PrivateSystem.RunAsync(folder, null);
            await File.WriteAllTextAsync(Path.Combine(Kept(folder, options), "postfix.txt"), observation.Write(), CancellationToken.None);
            await File.WriteAllTextAsync(Path.Combine(folder, "expected.txt"), observation.Write(withLog: false), CancellationToken.None);
        });
        Console.WriteLine($"{folders.Length} recorded");
        return 0;
    }

    private static string Key(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(typeof(Campaign).Module.ModuleVersionId.ToByteArray());
        hash.AppendData(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Sandbox", "private-system.sh")));
        foreach (string file in (string[])[Path.Combine(folder, "scenario"), .. Directory.EnumerateFiles(Path.Combine(folder, "fs"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(File.ReadAllBytes(file));
        }
        return Convert.ToHexString(hash.GetCurrentHash());
    }

    private static void Tell(string folder, IReadOnlyList<Difference> differences, CampaignOptions options)
    {
        Difference[] told = [.. differences.Where(d => options.Words || !d.WordsOnly)];
        string state = told.Length > 0 ? "DIFFERS" : differences.Count > 0 ? "words" : "same";
        Console.WriteLine($"{Path.GetFileName(folder)}: {state} ({Scenario.Load(folder).Title})");
        foreach (Difference difference in options.Verbose ? differences : told)
            Console.WriteLine("  " + difference);
        if (!options.Verbose)
            return;
        foreach (string side in (string[])["postfix", "estafette"])
        {
            string kept = Path.Combine(Kept(folder, options), side + ".txt");
            if (File.Exists(kept))
                Console.WriteLine($"  log of {side}:\n" + string.Concat(Observation.Read(File.ReadAllText(kept)).Sections.Where(s => s.Title == Observation.Log).SelectMany(s => s.Lines).TakeLast(60).Select(l => $"    {l}\n")));
        }
    }

    private static CampaignOptions? Parse(string[] args)
    {
        var options = new CampaignOptions();
        int? cases = null;
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            int number = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : -1;
            switch (args[i])
            {
                case "-v":
                    options = options with { Verbose = true };
                    continue;
                case "--record":
                    options = options with { Record = true };
                    continue;
                case "--words":
                    options = options with { Words = true };
                    continue;
                case "--cases" when number > 0:
                    cases = number;
                    break;
                case "--seed" when number >= 0:
                    options = options with { First = number, Cases = 1 };
                    break;
                case "-j" when number > 0:
                    options = options with { Jobs = number };
                    break;
                case "--out" when value is not null:
                    options = options with { Output = value };
                    break;
                case "--scenario" when value is not null:
                    options = options with { Folder = value };
                    break;
                default:
                    return null;
            }
            i++;
        }
        return cases is null ? options : options with { Cases = cases.Value };
    }
}
