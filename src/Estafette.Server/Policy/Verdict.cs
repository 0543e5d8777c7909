using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Policy;

public enum VerdictKind : byte { Accept, Reject, Disconnect, Junk, Rewrite }

/// <summary>What policy says at one moment of a session, and which rule said it. <paramref name="Reply"/> is the whole reply text with its code, for reject and disconnect; the new value for rewrite.</summary>
public sealed record Verdict(VerdictKind Kind, string Reply, SourceSpan Rule)
{
    public static Verdict Accepted { get; } = new(VerdictKind.Accept, "", SourceSpan.None);

    /// <summary>Texts of the filters that matched and only report.</summary>
    public ImmutableArray<string> Reports { get; init; } = [];
}
