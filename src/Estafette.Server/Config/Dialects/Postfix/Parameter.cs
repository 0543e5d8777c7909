namespace Estafette.Config.Dialects.Postfix;

/// <summary>What a value must be. <see cref="Raw"/> is text whose <c>$</c> is for whoever uses it, and not expanded with the configuration.</summary>
internal enum ParameterType : byte { Text, Raw, Flag, Number, Time }

/// <summary>What setting a parameter does here.</summary>
internal enum Support : byte { Supported, NoEffect, Later, Refused, Open }

/// <summary>One parameter of Postfix 3.7 as the table has it.</summary>
internal sealed record Parameter
{
    public required string Name { get; init; }
    public required ParameterType Type { get; init; }

    /// <summary>Not expanded; empty where the machine gives it.</summary>
    public required string Default { get; init; }
    public Support Support { get; init; }

    /// <summary>Why it is not supported: a word of <see cref="SupportReasons"/>. Of a supported one the command that reads it, where no lowering does.</summary>
    public string Reason { get; init; } = "";
    public bool NotEmpty { get; init; }

    /// <summary>0 for no bound.</summary>
    public long Least { get; init; }

    /// <summary>0 for no bound.</summary>
    public long Most { get; init; }

    /// <summary>What a bare number counts: s, m, h, d or w.</summary>
    public char Unit { get; init; } = 's';
}
