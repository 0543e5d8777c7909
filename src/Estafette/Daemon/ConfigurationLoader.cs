using System.Collections.Immutable;
using System.Text;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;

namespace Estafette.Program.Daemon;

/// <summary>Reads the configuration that the command line means: a file, or the embedded one.</summary>
internal sealed class ConfigurationLoader(DaemonOptions options, string runAs)
{
    /// <summary>Where it comes from, for people.</summary>
    public string Source => options.Config ?? "embedded";

    /// <param name="files">Where files are read.</param>
    /// <param name="checkFiles">Looks at the files of tables, certificates and keys too.</param>
    public ConfigResult Read(FileView files, bool checkFiles = true)
    {
        var reading = new ReadOptions { Machine = new LocalMachine(files), CheckFiles = checkFiles };
        ConfigResult result = options.Config is string path ? ReadPath(path, reading) : SmtpdConfReader.ReadText(Preset.Name, Embedded(files), reading);
        return result.Config is null ? result : result with { Config = SelfSignedStore.Place(result.Config, options.State) };
    }

    /// <summary>In the language that the path shows: a folder with main.cf, or main.cf itself, is Postfix's.</summary>
    public static ConfigResult ReadPath(string path, ReadOptions reading) =>
        PostfixReader.Owns(path, reading.Machine) ? PostfixReader.Read(path, reading) : SmtpdConfReader.Read(path, reading);

    private string Embedded(FileView files)
    {
        // As it was filled in at the start, where that is known: what it was filled with may be gone from the environment.
        return files.Handed.Find(Preset.Name) is { } first ? Encoding.UTF8.GetString(first.Content.Span) : Preset.Fill(options.State.Root, MailUser, runAs);
    }

    /// <summary>Who reads postmaster's and root's mail: the person who started the program, where that is not root.</summary>
    public string MailUser =>
        !Environment.IsPrivilegedProcess ? Environment.UserName
        : Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } person && person != "root" ? person
        : runAs;

    /// <summary>The errors of a result in one line each, for a log.</summary>
    public static ImmutableArray<string> Errors(ConfigResult result) =>
        [.. result.Diagnostics.Where(d => d.Severity == Severity.Error).Select(DiagnosticPrinter.OneLine)];
}
