using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;

namespace Estafette.Program.Daemon;

/// <summary>Reads the configuration that the command line means: a file, or the embedded one.</summary>
internal sealed class ConfigurationLoader(DaemonOptions options, string runAs)
{
    /// <summary>Where it comes from, for people.</summary>
    public string Source => options.Config ?? "embedded";

    public ConfigResult Read()
    {
        var reading = new ReadOptions { Machine = new LocalMachine() };
        ConfigResult result = options.Config is string path
            ? SmtpdConfReader.Read(path, reading)
            : SmtpdConfReader.ReadText(Preset.Name, Preset.Fill(options.State.Root, MailUser, runAs), reading);
        return result.Config is null ? result : result with { Config = SelfSignedStore.Place(result.Config, options.State) };
    }

    /// <summary>Who reads postmaster's and root's mail: the person who started the program, where that is not root.</summary>
    public string MailUser =>
        !Environment.IsPrivilegedProcess ? Environment.UserName
        : Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } person && person != "root" ? person
        : runAs;

    /// <summary>The errors of a result in one line each, for a log.</summary>
    public static string Errors(ConfigResult result)
    {
        ImmutableArray<Diagnostic> errors = [.. result.Diagnostics.Where(d => d.Severity == Severity.Error)];
        return string.Join("; ", errors.Select(DiagnosticPrinter.OneLine));
    }
}
