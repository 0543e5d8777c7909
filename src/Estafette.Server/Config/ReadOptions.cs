namespace Estafette.Config;

/// <summary>How a configuration is read.</summary>
public sealed record ReadOptions
{
    /// <summary>The machine that files, names and interfaces are asked of; tests give one in memory.</summary>
    public required IMachine Machine { get; init; }

    /// <summary>Replaces the machine's own name.</summary>
    public string? HostName { get; init; }

    /// <summary>Looks at the files of tables, certificates and keys. Off for a look at the text alone.</summary>
    public bool CheckFiles { get; init; } = true;
}
