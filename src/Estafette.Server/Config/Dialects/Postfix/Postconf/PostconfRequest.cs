using System.Collections.Immutable;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>The options of postconf(1) that change what it shows or does.</summary>
[Flags]
public enum PostconfModes
{
    None = 0,
    SaslServer = 1, SaslClient = 2, BounceExpanded = 4, Locks = 8, MapTypes = 0x10, BounceRaw = 0x20, Main = 0x40, Entries = 0x80, Fields = 0x100, Parameters = 0x200, Tls = 0x400,
    Defaults = 0x800, Edit = 0x1000, NotDefault = 0x2000, CommentOut = 0x4000, Exclude = 0x8000, Fold = 0x1_0000, Expand = 0x2_0000, Override = 0x4_0000, HideName = 0x8_0000,
    HideValue = 0x10_0000, Class = 0x20_0000,
    Editing = Edit | CommentOut | Exclude,
    Master = Entries | Fields | Parameters,
    Major = SaslServer | SaslClient | BounceExpanded | Locks | MapTypes | BounceRaw | Main | Entries | Fields | Parameters | Tls,
}

/// <summary>Which of the parameters are shown (<c>-C</c>).</summary>
[Flags]
public enum ParameterClasses { Builtin = 1, Service = 2, User = 4, All = Builtin | Service | User }

/// <summary>What one run of postconf is asked for.</summary>
public sealed record PostconfRequest
{
    public required string Folder { get; init; }
    public PostconfModes Modes { get; init; }
    public ParameterClasses Classes { get; init; } = ParameterClasses.All;

    /// <summary><c>-o name=value</c>.</summary>
    public ImmutableArray<string> Overrides { get; init; } = [];
    public ImmutableArray<string> Names { get; init; } = [];
    public required IMachine Machine { get; init; }

    /// <summary>Where the folder is the standard one it is no setting of its own.</summary>
    public const string StandardFolder = "/etc/postfix";

    public bool Has(PostconfModes mode) => (Modes & mode) != 0;
}
