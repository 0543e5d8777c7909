using Estafette.Program.Daemon;

namespace Estafette.Program.Commands;

internal static class DaemonCommand
{
    public static async Task<int> RunAsync(DaemonOptions options)
    {
        await Task.Yield();
        return options is null ? 1 : 0;
    }
}

internal static class CheckCommand
{
    public static int Run(string config, bool json) => json ? config.Length : 0;
}
