using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// Reads a configuration of Postfix: the folder with main.cf and master.cf, or main.cf itself (<c>postconf(5)</c>, <c>master(5)</c>). Never throws for what a file may hold: all errors come together as
/// findings, and then there is no model.
/// </summary>
public static class PostfixReader
{
    private const string Main = "main.cf";
    private const string Master = "master.cf";

    /// <summary>Largest of the two files.</summary>
    private const int MaximumSize = 1 << 20;

    /// <summary>A folder that holds a main.cf, or such a file by its name.</summary>
    public static bool Owns(string path, IMachine machine) =>
        Path.GetFileName(path) == Main || !machine.Look(Path.Combine(path, Main)).IsMissing;

    public static ConfigResult Read(string path, ReadOptions options)
    {
        string folder = FolderOf(path);
        var findings = new Findings();
        SourceText? main = Source(Path.Combine(folder, Main), options.Machine, findings);
        SourceText? master = Source(Path.Combine(folder, Master), options.Machine, findings);
        if (main is null || master is null)
            return Result(null, findings, [main, master]);
        PostfixSettings settings = PostfixSettings.Of(MainCf.Parse(main, findings), MasterCf.Parse(master, findings), options.Machine);
        if (findings.HasErrors)
            return Result(null, findings, [main, master]);
        settings = settings with { Services = DisabledServices.Without(settings) };
        var context = new ReadingContext(findings, settings, folder, options);
        MailConfig config = new PostfixLowering(context).Lower(options.HostName);
        return Result(findings.HasErrors ? null : config, findings, [main, master, .. context.Sources]);
    }

    /// <summary>The folder that is meant.</summary>
    public static string FolderOf(string path) => Path.GetFileName(path) == Main ? Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : "." : path.TrimEnd('/') is { Length: > 0 } named ? named : "/";

    private static ConfigResult Result(MailConfig? config, Findings findings, IEnumerable<SourceText?> read)
    {
        SourceText[] sources = [.. read.OfType<SourceText>()];
        return new ConfigResult(config, findings.InOrder([.. sources.Select(s => s.Path)])) { Sources = sources.ToImmutableDictionary(s => s.Path, StringComparer.Ordinal) };
    }

    private static SourceText? Source(string path, IMachine machine, Findings findings)
    {
        FileContent content = machine.Read(path);
        string? problem = content.Failure ?? (content.Bytes.Length > MaximumSize ? "it is larger than 1 MiB" : null);
        if (problem is null)
            return new SourceText(path, Decode(content.Bytes.Span));
        findings.Error(new SourceSpan(path, 0, 0, 0), "cannot be read: " + problem,
            problem == "permission denied" ? "let this user read it, or run the command as root" : "name the folder that holds main.cf and master.cf with --config");
        return null;
    }

    /// <summary>UTF-8; a file in another encoding, as old comments are, octet by octet.</summary>
    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes["\uFEFF"u8.Length..];
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);
    }
}
