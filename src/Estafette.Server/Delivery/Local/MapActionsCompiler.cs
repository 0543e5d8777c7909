using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Delivery.Local;

/// <summary>
/// The actions of local(8), virtual(8) and pipe(8) for the privileged side (DESIGN 6): mailboxes, commands and files as root reads them from the configuration and its tables at start and at
/// reload. What cannot be listed beforehand (a result with text of the key, a map that is a program) is told through <see cref="Findings"/> and refused at delivery.
/// </summary>
public sealed class MapActionsCompiler(MailConfig config, TableSet tables, IUserDatabase users)
{
    /// <summary>Files that are included by aliases.</summary>
    private const int MaximumIncludes = 10_000;
    private const int MaximumInclude = 4 << 20;

    private readonly Dictionary<string, LocalTarget> _aliasTargets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LocalTarget> _userCommands = new(StringComparer.Ordinal);
    private readonly HashSet<string> _includes = new(StringComparer.Ordinal);

    /// <summary>What an operator must know.</summary>
    public List<string> Findings { get; } = [];

    public async ValueTask<LocalActions> AddToAsync(LocalActions actions, CancellationToken cancellationToken)
    {
        var compiled = actions.Actions.ToBuilder();
        foreach (ActionConfig action in config.Actions.Values)
        {
            LocalAction? made = action switch
            {
                ActionConfig.LocalUsers local => await OfAsync(local, cancellationToken),
                ActionConfig.VirtualMailboxes mailboxes => Of(mailboxes),
                ActionConfig.Pipe pipe => Of(pipe),
                _ => null,
            };
            if (made is not null)
                compiled[made.Name] = made;
        }
        return actions with
        {
            Actions = compiled.ToImmutable(),
            AliasTargets = actions.AliasTargets.AddRange(_aliasTargets),
            UserCommands = _userCommands.ToImmutableDictionary(StringComparer.Ordinal),
        };
    }

    private async ValueTask<LocalAction> OfAsync(ActionConfig.LocalUsers local, CancellationToken cancellationToken)
    {
        foreach (string table in local.Aliases)
        {
            if (await OwnerAsync(table, local, cancellationToken) is not { } owner)
                continue;
            foreach (string value in ValuesOf(table))
                await AddAsync(TargetList.ReadValue(value), owner, local, cancellationToken);
        }
        foreach (string command in local.MailboxCommands.SelectMany(ValuesOf))
        {
            LocalTarget target = LocalActionsCompiler.CommandTarget(command);
            _userCommands[LocalActions.DigestOf(target)] = target;
        }
        (LocalMethodKind method, string template) = MailboxOf(local);
        return new LocalAction(local.Name, method, template)
        {
            Users = new LocalUserRules
            {
                ForwardPaths = [.. local.ForwardPath.Split([',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries)],
                ForwardCharacters = local.ForwardCharacters,
                Delimiters = config.Maps?.Rewriting.RecipientDelimiters ?? "",
                SpoolFolder = local.SpoolFolder,
                MailboxSize = local.MailboxSize,
                CommandMilliseconds = Milliseconds(local.CommandTime),
                CommandCharacters = local.CommandCharacters,
                Environment = EnvironmentOf(local.Environment),
                RequiresHome = local.RequiresHome,
            },
        };
    }

    private static (LocalMethodKind, string) MailboxOf(ActionConfig.LocalUsers local) =>
        local.MailboxCommand.Length > 0 ? (LocalMethodKind.Command, local.MailboxCommand)
        : local.HomeMailbox.Length > 0 ? (local.HomeMailbox.EndsWith('/') ? LocalMethodKind.Maildir : LocalMethodKind.Mbox, "~/" + local.HomeMailbox.TrimStart('/'))
        : (local.SpoolFolder.EndsWith('/') ? LocalMethodKind.Maildir : LocalMethodKind.Mbox, "");

    private LocalAction Of(ActionConfig.VirtualMailboxes mailboxes) => new(mailboxes.Name, LocalMethodKind.None, "")
    {
        Virtual = new VirtualRules(mailboxes.Base, mailboxes.MinimumUid, mailboxes.MailboxSize) { Uids = Ids(mailboxes.Uids), Gids = Ids(mailboxes.Gids) },
    };

    private LocalAction Of(ActionConfig.Pipe pipe) => new(pipe.Name, LocalMethodKind.None, "")
    {
        RunAs = pipe.User,
        Pipe = new PipeRules
        {
            Arguments = pipe.Arguments,
            Group = pipe.Group,
            Folder = pipe.Folder,
            LineEnd = pipe.LineEnd,
            Milliseconds = Milliseconds(pipe.Time),
            Environment = EnvironmentOf(pipe.Environment),
            BlankLine = pipe.Flags.HasFlag(PipeFlags.BlankLine),
            DotStuff = pipe.Flags.HasFlag(PipeFlags.DotStuff),
            FromLine = pipe.Flags.HasFlag(PipeFlags.FromLine),
            QuoteFrom = pipe.Flags.HasFlag(PipeFlags.QuoteFrom),
        },
    };

    private ImmutableHashSet<uint> Ids(ImmutableArray<string> maps)
    {
        var ids = ImmutableHashSet.CreateBuilder<uint>();
        foreach (string value in maps.SelectMany(ValuesOf))
        {
            if (uint.TryParse(value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
                ids.Add(id);
            else
                Findings.Add($"\"{value}\" is no uid or gid");
        }
        return ids.ToImmutable();
    }

    private IEnumerable<string> ValuesOf(string table)
    {
        TableKeys values = tables.Values(table);
        if (values.Failure is not null)
            Findings.Add($"table {table}: {values.Failure}");
        return values.Keys;
    }

    /// <summary>Whom the targets of an alias table run as: its owner, and the default user where that is root; null where nobody is known.</summary>
    private async ValueTask<string?> OwnerAsync(string table, ActionConfig.LocalUsers local, CancellationToken cancellationToken)
    {
        foreach (string file in config.Tables.TryGetValue(table, out TableConfig? named) ? named.Files : [])
        {
            if (FileStamp.TryRead(file, out FileStamp stamp, out _))
                return await OwnerAsync(stamp.User, file, local, cancellationToken);
        }
        return local.DefaultUser;
    }

    private async ValueTask<string?> OwnerAsync(uint uid, string file, ActionConfig.LocalUsers local, CancellationToken cancellationToken)
    {
        if (uid == 0)
            return local.DefaultUser;
        if (await users.FindAsync(uid, cancellationToken) is UserAnswer.Found found)
            return found.User.Name;
        Findings.Add($"{file} belongs to uid {uid}, which is no user: its commands and files are refused");
        return null;
    }

    private async ValueTask AddAsync(ImmutableArray<ListedTarget> targets, string owner, ActionConfig.LocalUsers local, CancellationToken cancellationToken)
    {
        foreach (ListedTarget target in targets)
        {
            if (target.Kind is TargetKind.Command or TargetKind.File)
                Add(new LocalTarget(target.Kind is TargetKind.Command, target.Text) { RunAs = owner });
            else if (target.Kind is TargetKind.Include && target.Text.StartsWith('/') && _includes.Count < MaximumIncludes && _includes.Add(target.Text))
                await IncludeAsync(target.Text, owner, local, cancellationToken);
        }
    }

    /// <summary>The first table that names a target decides whom it runs as.</summary>
    private void Add(LocalTarget target) => _aliasTargets.TryAdd(LocalActions.DigestOf(target), target);

    private async ValueTask IncludeAsync(string path, string owner, ActionConfig.LocalUsers local, CancellationToken cancellationToken)
    {
        if (!local.CommandsFrom.HasFlag(ExpansionSource.Include) && !local.FilesFrom.HasFlag(ExpansionSource.Include))
            return;
        try
        {
            string text = RegularFile.ReadText(path, MaximumInclude);
            if (FileStamp.TryRead(path, out FileStamp stamp, out _) && (stamp.User == 0 ? owner : await OwnerAsync(stamp.User, path, local, cancellationToken)) is { } whose)
                await AddAsync(TargetList.ReadFile(text), whose, local, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Findings.Add($":include:{path}: {e.Message}");
        }
    }

    private ImmutableArray<string> EnvironmentOf(ImmutableArray<string> exported)
    {
        var environment = ImmutableArray.CreateBuilder<string>();
        foreach (string text in exported)
        {
            if (text.Contains('=', StringComparison.Ordinal))
                environment.Add(text);
            else if (text == "MAIL_CONFIG")
                environment.Add("MAIL_CONFIG=" + config.Source);
            else if (Environment.GetEnvironmentVariable(text) is { } value)
                environment.Add(text + "=" + value);
        }
        return environment.ToImmutable();
    }

    private static int Milliseconds(TimeSpan time) => (int)Math.Clamp(time.TotalMilliseconds, 1, int.MaxValue);
}
