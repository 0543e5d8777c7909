using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>
/// What reading a configuration gave: the model where no error was found, else null, and every finding in the order of the text.
/// <see cref="Sources"/> holds the files that were read, for <see cref="DiagnosticPrinter"/>; files that hold secrets are left out (E54).
/// </summary>
public sealed record ConfigResult(MailConfig? Config, ImmutableArray<Diagnostic> Diagnostics)
{
    public ImmutableDictionary<string, SourceText> Sources { get; init; } = ImmutableDictionary<string, SourceText>.Empty;

    public bool HasErrors => Diagnostics.Any(d => d.Severity == Severity.Error);
}
