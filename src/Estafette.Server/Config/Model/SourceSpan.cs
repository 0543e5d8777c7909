namespace Estafette.Config.Model;

/// <summary>Where something stands in a configuration file; line and columns count from 1. <see cref="None"/> for what no file says.</summary>
public readonly record struct SourceSpan(string File, int Line, int Column, int Length = 1)
{
    public static SourceSpan None { get; } = new("", 0, 0, 0);

    /// <summary><c>file:line</c>, as every refusal names its rule.</summary>
    public override string ToString() => Line == 0 ? "built-in" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{File}:{Line}");
}

public enum Severity { Info, Warning, Error }

/// <summary>One finding about a configuration: what is wrong, where, and how to cure it.</summary>
public sealed record Diagnostic(Severity Severity, SourceSpan At, string Message, string? Cure = null);
