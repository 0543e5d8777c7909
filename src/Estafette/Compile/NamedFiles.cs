using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Program.Compile;

/// <summary>The files, beside its own text, that a configuration names and the server reads: tables, certificates, keys, trust anchors.</summary>
internal static class NamedFiles
{
    public static ImmutableArray<string> Of(MailConfig config) =>
    [
        .. config.Tables.Values.SelectMany(t => t.WithParts()).SelectMany(OfTable)
            .Concat(config.Identities.Values.SelectMany(i => new[] { i.CertificateFile, i.KeyFile }))
            .Concat(config.TrustAnchors.Values)
            .Concat(config.Actions.Values.OfType<ActionConfig.Relay>().Select(r => r.Tls.TrustAnchor).OfType<string>().Where(a => !config.TrustAnchors.ContainsKey(a)))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    /// <summary>Their states now, for who looks for changes; take them before reading, so that a change in between is seen.</summary>
    public static ImmutableArray<WatchedPath> Watch(IEnumerable<string> paths) => [.. paths.Select(Path.GetFullPath).Select(p => new WatchedPath(p, StampOf(p)))];

    public static WatchStamp StampOf(string path) => FileStamp.TryRead(path, out FileStamp stamp, out _)
        ? new WatchStamp(stamp.Device, stamp.Inode, stamp.Size, stamp.Modified.Ticks, stamp.Changed.Ticks)
        : default;

    /// <summary>A compiled table is known by the text it is made from too.</summary>
    private static IEnumerable<string> OfTable(TableConfig table) =>
        table.Kind == TableKind.Db && MapCompiler.SourceOf(table.Path) is { } source && source != table.Path ? table.Files.Add(source) : table.Files;
}
