using System.Diagnostics;
using System.Text;

namespace Estafette.SystemTests.Harness;

/// <summary>A program that runs beside the test; its output is kept, and disposing ends it (politely first) by its own process id.</summary>
internal sealed class Background : IAsyncDisposable
{
    private readonly StringBuilder _output = new();
    private bool _ended;

    public Background(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        Process = new Process { StartInfo = start };
        Process.OutputDataReceived += (_, e) => Keep(e.Data);
        Process.ErrorDataReceived += (_, e) => Keep(e.Data);
        Process.Start();
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }

    /// <summary>SIGTERM, then what the process makes of it.</summary>
    public async Task<int> TerminateAsync(TimeSpan? deadline = null)
    {
        if (!Process.HasExited)
            await Command.RunAsync("/bin/kill", ["-TERM", Process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        using var limit = new CancellationTokenSource(deadline ?? TimeSpan.FromSeconds(60));
        try
        {
            await Process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Process.Kill();
            Assert.Fail("the process did not end on SIGTERM:\n" + Output);
        }
        return Process.ExitCode;
    }

    public async Task KillAsync()
    {
        if (!Process.HasExited)
            Process.Kill();
        await Process.WaitForExitAsync();
    }

    /// <summary>May be called twice.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ended)
            return;
        _ended = true;
        if (!Process.HasExited)
            Process.Kill(entireProcessTree: true);
        await Process.WaitForExitAsync();
        Written.ByRun.Output(Process.StartInfo.FileName, Output);
        Process.Dispose();
    }
}
