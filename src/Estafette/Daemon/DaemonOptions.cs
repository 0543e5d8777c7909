namespace Estafette.Program.Daemon;

/// <summary>What the command line says about a daemon. <paramref name="Config"/> null means the embedded configuration.</summary>
internal sealed record DaemonOptions(string? Config, StateFolder State)
{
    /// <summary>Debug lines in the log.</summary>
    public bool Verbose { get; init; }

    /// <summary>Without a terminal, for <c>postfix start</c>: see <see cref="BackgroundProcess"/>.</summary>
    public bool Background { get; init; }
}
