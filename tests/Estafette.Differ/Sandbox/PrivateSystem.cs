using System.Diagnostics;
using Estafette.Differ.Observing;

namespace Estafette.Differ.Sandbox;

/// <summary>
/// Runs a scenario on a machine of its own, made of namespaces and overlays (`private-system.sh`), and brings back what was observed. Needs root. Both sides run in the same kind
/// of machine: with <c>bin</c> Estafette's programs take the place of Postfix's.
/// </summary>
internal static class PrivateSystem
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(3);

    public static async Task<Observation> RunAsync(string folder, string? bin)
    {
        Scenario scenario = Scenario.Load(folder);
        string self = Path.Combine(AppContext.BaseDirectory, "Estafette.Differ.dll");
        var start = new ProcessStartInfo("/usr/bin/unshare",
        [
            "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc", "/bin/sh", Path.Combine(AppContext.BaseDirectory, "Sandbox", "private-system.sh"),
            scenario.Host, Path.GetFullPath(folder), bin ?? "-", "/usr/bin/env", "dotnet", self, "inside", Path.GetFullPath(folder), bin is null ? "postfix" : "estafette",
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_TieredPGO"] = "0";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(s_longest);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }
        if (process.ExitCode == 0)
            return Observation.Read(await output);
        // Not a reason to end a campaign, but never the same as what the other side did.
        var failed = new Observation();
        failed.Section("sandbox of " + (bin is null ? "postfix" : "estafette")).AddRange($"failed ({process.ExitCode})\n{await error}\n{await output}".Split('\n'));
        return failed;
    }
}
