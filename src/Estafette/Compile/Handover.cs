using System.Collections.Immutable;
using Estafette.Config;

namespace Estafette.Program.Compile;

/// <summary>
/// What the compile step gives the daemon: the files that the daemon may not read, or why there are none (<see cref="Problems"/>: then nothing has changed), and what an
/// operator should know. Holds secrets: never printed.
/// </summary>
internal sealed record Handover(HandedFiles Files)
{
    public ImmutableArray<string> Problems { get; init; } = [];
    public ImmutableArray<string> Warnings { get; init; } = [];

    public static Handover Refused(params ImmutableArray<string> problems) => new(HandedFiles.None) { Problems = problems };

    public override string ToString() => nameof(Handover);
}
