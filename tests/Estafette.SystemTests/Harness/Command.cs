using System.Diagnostics;
using System.Text;

namespace Estafette.SystemTests.Harness;

internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => $"exit {ExitCode}\n{Output}\n{Error}";
}

/// <summary>Runs a program to its end, bounded in time.</summary>
internal static class Command
{
    public static async Task<CommandResult> RunAsync(string program, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null, TimeSpan? deadline = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended without reading its input; its exit status tells the rest.
        }
        using var limit = new CancellationTokenSource(deadline ?? TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end");
        }
        var result = new CommandResult(process.ExitCode, await output, await error);
        if (IsOurs(start))
            Written.ByRun.Output(program, result.Output + result.Error);
        return result;
    }

    /// <summary>Our tools and scripts that call them; clients of others print passwords and SASL messages. The one of ours that prints a hash is asked to.</summary>
    private static bool IsOurs(ProcessStartInfo start) =>
        start.FileName == "/bin/sh" || (start.FileName.StartsWith(Published.Bin, StringComparison.Ordinal) && start.ArgumentList.FirstOrDefault() != "encrypt");

    public static Task<CommandResult> ShellAsync(string script, string? input = null, IReadOnlyDictionary<string, string>? environment = null, TimeSpan? deadline = null) =>
        RunAsync("/bin/sh", ["-c", script], input, environment, deadline);
}
