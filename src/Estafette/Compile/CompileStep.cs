using System.Collections.Immutable;
using System.Text;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Program.Daemon;
using Estafette.Tables;

namespace Estafette.Program.Compile;

/// <summary>
/// What root does with a configuration for a daemon that has given root up (DESIGN 6): it reads what only root may read, says what local delivery may do, and lists
/// what to look at for changes. First <see cref="ReloadAsync"/> or <see cref="RenewAsync"/>, which change nothing; then, when the daemon can live with it, <see cref="Commit"/>.
/// Only files that the configuration names are handed over, and of those only what nobody but root can put in their places.
/// </summary>
internal sealed class CompileStep(DaemonOptions options, DaemonUser daemon, ConfigurationLoader loader)
{
    private readonly SystemUsers _users = new(TimeProvider.System);

    /// <summary>Reads the configuration again.</summary>
    public async Task<Compiled> ReloadAsync(CancellationToken cancellationToken)
    {
        // The embedded configuration has no file; it stays what it was at the start.
        FileView files = new(options.Config is null ? Sources() : HandedFiles.None);
        ConfigResult read = loader.Read(files);
        var problems = new List<string>(ConfigurationLoader.Errors(read));
        problems.AddRange(OpenToDaemon([.. Files(read), options.State.Root]));
        Compiled compiled = await CompileAsync(read, problems, cancellationToken);
        return problems.Count > 0 || compiled.Tables!.Unreadable() is not { IsEmpty: false } unreadable ? compiled : new Compiled(Handover.Refused(unreadable));
    }

    /// <summary>Reads again what the configuration names, as it was compiled last. One bad file does not keep the others from being renewed.</summary>
    public async Task<Compiled> RenewAsync(CancellationToken cancellationToken)
    {
        ConfigResult read = loader.Read(new FileView(Sources()), checkFiles: false);
        Compiled compiled = await CompileAsync(read, [.. ConfigurationLoader.Errors(read), .. OpenToDaemon([options.State.Root])], cancellationToken);
        // What an unreadable table named before is still delivered: the daemon goes by its old rows too.
        return compiled.Tables is { } tables && !tables.Unreadable().IsEmpty ? compiled with { Actions = null } : compiled;
    }

    /// <summary>The start, in the daemon's own process while that is root: the configuration was read, and its findings told.</summary>
    public async Task<Compiled> StartAsync(ConfigResult read, CancellationToken cancellationToken)
    {
        Compiled compiled = await CompileAsync(read, OpenToDaemon(Files(read)), cancellationToken);
        return compiled with { Handover = compiled.Handover with { Warnings = [.. OpenToDaemon([options.State.Root]), .. compiled.Handover.Warnings] } };
    }

    /// <summary>Makes it what the privileged side goes by. Throws <see cref="IOException"/>; what was not written stays as it was.</summary>
    public void Commit(Compiled compiled)
    {
        if (compiled.Actions is { } actions)
            LocalActionsFile.Write(options.State.LocalActions, actions);
        WholeFile.Write(options.State.CompiledSources, HandoverCodec.Encode(new Handover(compiled.Sources)));
        WholeFile.Write(options.State.WatchList, compiled.WatchList);
    }

    /// <summary>Whoever can write the configuration says what root's side does; that must not be the daemon, which talks to strangers.</summary>
    private List<string> OpenToDaemon(IEnumerable<string> paths) =>
    [
        .. paths.Select(p => (Path: p, Open: PathWalk.Of(p).OpenTo(daemon))).Where(p => p.Open is not null)
            .Select(p => $"{p.Path}: the mail server's own user {daemon.Name} could change it, and with it what root does (cure: chown root {p.Open}; chmod go-w {p.Open})"),
    ];

    /// <summary>The configuration and what it includes; the embedded one is no file.</summary>
    private IEnumerable<string> Files(ConfigResult read) => options.Config is null ? [] : read.Sources.Keys;

    private async Task<Compiled> CompileAsync(ConfigResult read, List<string> problems, CancellationToken cancellationToken)
    {
        if (problems.Count > 0)
            return new Compiled(Handover.Refused([.. problems]));
        MailConfig config = read.Config!;
        var warnings = new List<string>();
        foreach (string path in Files(read))
        {
            if (PathWalk.Of(path).Stranger() is string stranger)
                warnings.Add($"{path} says what root does for local delivery, but not only root can change it: {stranger}");
        }
        ImmutableArray<string> names = NamedFiles.Of(config);
        ImmutableArray<WatchedPath> watched = NamedFiles.Watch(names);
        if (watched.Length > WatchList.MaximumFiles)
            warnings.Add($"{watched.Length} files are named; changes of those beyond the first {WatchList.MaximumFiles} need a reload");
        var sources = new HandedFiles(read.Sources.Values.Select(Handed));
        var collection = new FileCollection(daemon, warnings);
        collection.AddRange(names);
        // The text as root read it: the daemon must not see an edit in between.
        var files = new HandedFiles([.. sources.All, .. collection.Files.Where(f => sources.Find(f.Path) is null)]);
        // The daemon's own tables tell what is wrong with them.
        var tables = new TableSet(config, new FileView(files), _users, TimeProvider.System, _ => { });
        LocalActions actions = await new LocalActionsStep(_users, daemon, warnings.Add).CompileAsync(config, tables, cancellationToken);
        return new Compiled(new Handover(files) { Warnings = [.. warnings] }) { Actions = actions, Sources = sources, WatchList = WatchList.Encode(watched), Tables = tables };
    }

    private static HandedFile Handed(SourceText source)
    {
        FileStamp.TryRead(source.Path, out FileStamp stamp, out _);
        return new HandedFile(source.Path, stamp, Encoding.UTF8.GetBytes(source.Text));
    }

    /// <summary>The text of the last compile. Throws <see cref="IOException"/> where there is none.</summary>
    private HandedFiles Sources()
    {
        using var file = new FileStream(RegularFile.Open(options.State.CompiledSources), FileAccess.Read);
        // Of what is open: a path may mean another file by now.
        if (!FileStamp.TryRead(file.SafeFileHandle, out FileStamp stamp, out _) || stamp.User != 0)
            throw new InvalidDataException($"{options.State.CompiledSources} is not root's");
        return HandoverCodec.Decode(file).Files;
    }
}

/// <summary>What the compile step found out. The rest is there when the handover tells of no problems.</summary>
internal sealed record Compiled(Handover Handover)
{
    /// <summary>Null leaves those that stand.</summary>
    public LocalActions? Actions { get; init; }
    public HandedFiles Sources { get; init; } = HandedFiles.None;
    public byte[] WatchList { get; init; } = [];
    public TableSet? Tables { get; init; }
}
