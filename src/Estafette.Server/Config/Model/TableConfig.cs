using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>Where a lookup table's rows come from.</summary>
public enum TableKind
{
    /// <summary>Written in the configuration itself.</summary>
    Inline,

    /// <summary>A text file (<c>file:</c>), read at start and when it changes.</summary>
    File,

    /// <summary>A compiled file (<c>db:</c>); its source is read where the compiled one is missing, with a warning (O8).</summary>
    Db,

    /// <summary>The users of the system (<c>getpwnam:</c>).</summary>
    Passwd,
}

/// <summary>One lookup table. A row is a key and a value; a set is rows with empty values.</summary>
public sealed record TableConfig
{
    public required string Name { get; init; }
    public required TableKind Kind { get; init; }

    /// <summary>Path for <see cref="TableKind.File"/> and <see cref="TableKind.Db"/>; empty otherwise.</summary>
    public string Path { get; init; } = "";
    public ImmutableArray<KeyValuePair<string, string>> Rows { get; init; } = [];
    public required SourceSpan At { get; init; }
}
