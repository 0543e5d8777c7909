using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Program.Daemon;
using Estafette.Smtpd;
using Estafette.Smtpd.Auth;
using Estafette.Tables;

namespace Estafette.Program.Commands;

/// <summary><c>estafette check</c> and <c>smtpd -n</c>: every finding about a configuration and its tables, with place and cure; exit 1 when one is an error.</summary>
internal static class CheckCommand
{
    private const string Denied = "permission denied";

    public static int Run(string path, bool json)
    {
        (ConfigResult result, ImmutableArray<Diagnostic> findings) = Look(path);
        bool failed = findings.Any(d => d.Severity == Severity.Error);
        if (json)
        {
            Console.Out.WriteLine(DiagnosticPrinter.Json(findings));
            return failed ? ExitCode.Failure : ExitCode.Ok;
        }
        Console.Error.Write(Printer(result).Print(findings));
        if (!failed)
            Console.Error.WriteLine("configuration OK");
        return failed ? ExitCode.Failure : ExitCode.Ok;
    }

    /// <summary>As <c>postfix check</c> tells it: a line for each finding, nothing where there is none.</summary>
    public static int RunQuietly(string path, string name)
    {
        ImmutableArray<Diagnostic> findings = Look(path).Findings;
        foreach (Diagnostic finding in findings)
            Console.Error.WriteLine($"{name}: {DiagnosticPrinter.OneLine(finding)}");
        return findings.Any(d => d.Severity == Severity.Error) ? ExitCode.Failure : ExitCode.Ok;
    }

    private static (ConfigResult Read, ImmutableArray<Diagnostic> Findings) Look(string path)
    {
        ConfigResult result = ConfigurationLoader.ReadPath(path, new ReadOptions { Machine = new LocalMachine() });
        ImmutableArray<Diagnostic> findings = result.Diagnostics;
        if (result.Config is not null)
        {
            // Both look at table files, each for its own reasons; one place is told once.
            var tables = new TableSet(result.Config, new SystemUsers(TimeProvider.System), TimeProvider.System, _ => { });
            ImmutableArray<Diagnostic> ofTables = tables.Check();
            findings = findings.AddRange(ofTables.Where(d => !result.Diagnostics.Any(known => known.At == d.At && known.Severity == d.Severity)));
            findings = findings.AddRange(CredentialsCheck.Of(result.Config, tables));
            findings = findings.AddRange(OfCertificates(result.Config));
        }
        return (result, findings);
    }

    /// <summary>The certificates that this user may read, with their keys; the others get a warning, because the server may be able to.</summary>
    private static ImmutableArray<Diagnostic> OfCertificates(MailConfig config)
    {
        var files = new FileView();
        IdentityConfig[] denied = [.. config.Identities.Values.Where(i => files.Read(i.CertificateFile).Failure == Denied || files.Read(i.KeyFile).Failure == Denied)];
        ServerCertificates certificates = ServerCertificates.Load(config with { Identities = config.Identities.RemoveRange(denied.Select(i => i.Name)) }, files, out ImmutableArray<Diagnostic> problems);
        return [.. problems, .. certificates.Expiring(config, TimeProvider.System.GetUtcNow()),
            .. denied.Select(i => new Diagnostic(Severity.Warning, i.At, $"pki {i.Name}: the certificate or its key cannot be looked at by this user", "run the check as root to have them checked too"))];
    }

    public static DiagnosticPrinter Printer(ConfigResult result) =>
        new(result.Sources, Console.IsErrorRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } ? DiagnosticStyle.Plain : DiagnosticStyle.Colour);
}
