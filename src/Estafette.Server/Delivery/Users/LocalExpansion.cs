using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>
/// What one recipient of local(8) becomes at this attempt: aliases first, then the forward file, then the mailbox; names that are neither go where the configuration says, or are unknown.
/// Everything that cannot be told now defers its branch, never the others (E44). Bounded in depth and number, whatever the files say (E32).
/// </summary>
internal sealed class LocalExpansion(LocalUserServices services, ActionConfig.LocalUsers action, MailConfig config, DeliveredToFields seen, LocalEnvelopes envelopes)
{
    /// <summary>Aliases within aliases.</summary>
    private const int MaximumLevel = 100;

    /// <summary>Names that are looked at for one recipient.</summary>
    private const int MaximumSteps = 20_000;
    private const int MaximumInclude = 4 << 20;

    private static readonly string[] Reserved = ["mailer-daemon", "postmaster", "double-bounce"];

    private readonly List<LocalLeaf> _leaves = [];
    private readonly HashSet<string> _been = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _delimiters = config.Maps?.Rewriting.RecipientDelimiters ?? "";
    private int _steps;

    public async ValueTask<IReadOnlyList<LocalLeaf>> ExpandAsync(MailAddress address, MailAddress sender, CancellationToken cancellationToken)
    {
        await RecipientAsync(new ExpansionPoint(address) { Sender = sender, Delivered = address }, cancellationToken);
        return _leaves;
    }

    private async ValueTask RecipientAsync(ExpansionPoint at, CancellationToken cancellationToken)
    {
        if (!_been.Add($"recipient {at.Level} {(at.IsDirect ? "\\" : "")}{at.Address}"))
            return;
        if (++_steps > MaximumSteps)
        {
            Fail(at, new(5, 4, 6), $"alias expansion of {envelopes.Recipient.Address} is too large");
            return;
        }
        if (seen.Contains(at.Address))
        {
            Fail(at, new(5, 4, 6), $"mail forwarding loop for {at.Address}");
            return;
        }
        string local = at.Address.LocalPart.ToLowerInvariant();
        string user = AddressExtension.TrySplit(local, _delimiters, out string? bare, out string extension) ? bare : local;
        if (extension.Contains('/', StringComparison.Ordinal))
        {
            Warn($"{envelopes.Queue.Id}: address with illegal extension: {at.Address}");
            extension = "";
        }
        if (user.Length == 0)
        {
            Fail(at, new(5, 1, 3), $"null username in \"{at.Address}\"");
            return;
        }
        var name = new LocalName(local, user, extension);
        if (at.IsDirect)
        {
            await MailboxAsync(at, name, cancellationToken);
            return;
        }
        if (await AliasAsync(at with { Unmatched = "" }, local, cancellationToken))
            return;
        if (extension.Length > 0 && await AliasAsync(at with { Unmatched = action.ExtensionsPropagate.HasFlag(ExpansionSource.Alias) ? extension : "" }, user, cancellationToken))
            return;
        // Others than whose list or forward file this is get a message, and so a life in the queue, of their own.
        if ((at.Owner is not null && !at.Owner.Equals(user, StringComparison.OrdinalIgnoreCase)) || at.Source is ExpansionSource.Include)
        {
            Onward(at);
            return;
        }
        if (!await ForwardAsync(at, name, cancellationToken))
            await MailboxAsync(at, name, cancellationToken);
    }

    private readonly record struct LocalName(string Whole, string User, string Extension);

    /// <summary>False where it is no alias.</summary>
    private async ValueTask<bool> AliasAsync(ExpansionPoint at, string name, CancellationToken cancellationToken)
    {
        if (action.Aliases.IsEmpty || (at.Alias?.Equals(name, StringComparison.OrdinalIgnoreCase) ?? false))
            return false;
        if (at.Level > MaximumLevel)
        {
            Warn("alias database loop for " + name);
            Fail(at, new(5, 4, 6), "alias database loop for " + name);
            return true;
        }
        switch (await services.Tables().FindAsync(action.Aliases, name, MapUse.NoSubstitution, cancellationToken))
        {
            case TableAnswer.Unavailable unavailable:
                Unavailable(at, unavailable.Reason);
                return true;
            case TableAnswer.Found found:
                ExpansionPoint inside = at with { Alias = name, Source = ExpansionSource.Alias, Forward = null, Delivered = action.FrozenDeliveredTo ? at.Delivered : at.Address };
                ImmutableArray<ListedTarget> targets = TargetList.ReadValue(found.Value);
                // Delivered to nobody would be lost: a slip of the pen in the table, which can be mended.
                if (targets.IsEmpty)
                    Unavailable(at, "no recipient in alias lookup result for " + name);
                else if (await OwnedAsync(inside, name, cancellationToken) is { } owned)
                    await TargetsAsync(owned, targets, cancellationToken);
                return true;
            default:
                return false;
        }
    }

    /// <summary>With the sender and owner that <c>owner-NAME</c> gives; null where that cannot be told now.</summary>
    private async ValueTask<ExpansionPoint?> OwnedAsync(ExpansionPoint at, string name, CancellationToken cancellationToken)
    {
        if (!action.OwnersAreSpecial)
            return at;
        string owner = "owner-" + name;
        switch (await services.Tables().FindAsync(action.Aliases, owner, MapUse.NoSubstitution, cancellationToken))
        {
            case TableAnswer.Unavailable unavailable:
                Unavailable(at, unavailable.Reason);
                return null;
            case TableAnswer.Found found:
                string sender = action.ExpandsOwner && TargetList.ReadValue(found.Value) is [{ Kind: TargetKind.Address } single, ..] ? single.Text : owner;
                if (await services.Resolve(sender, cancellationToken) is not { } standing)
                {
                    Unavailable(at, "the address of " + sender + " cannot be resolved");
                    return null;
                }
                return at with { Sender = standing.Address, Owner = standing.Address.ToString(), IsList = true };
            default:
                return action.ResetsOwner ? at with { Owner = null } : at;
        }
    }

    /// <summary>False where there is no forward file, or one that says nothing.</summary>
    private async ValueTask<bool> ForwardAsync(ExpansionPoint at, LocalName name, CancellationToken cancellationToken)
    {
        if (action.ForwardPath.Length == 0)
            return false;
        switch (await services.Users.FindAsync(name.User, cancellationToken))
        {
            case UserAnswer.Unavailable unavailable:
                Defer(at, new(4, 3, 0), "user lookup error: " + unavailable.Reason);
                return true;
            case UserAnswer.Found { User.Uid: > 0 }:
                break;
            default:
                return false;
        }
        LocalEnvelope question = envelopes.For(at.Address, name.User, name.Extension);
        // Within its own forward file the name means the mailbox; later it has had all that the file says.
        string visit = $"forward {name.User} {name.Extension}";
        if (!_been.Add(visit))
            return _been.Contains("done " + visit);
        switch (await services.Wishes(question, cancellationToken))
        {
            case Routing.ForwardFile.Unavailable unavailable:
                Defer(at, new(4, 3, 0), unavailable.Reason);
                return true;
            case Routing.ForwardFile.Unsafe bad:
                Warn(bad.Reason + ": it is ignored");
                return false;
            case Routing.ForwardFile.Text text when TargetList.ReadFile(text.Content) is { Length: > 0 } targets:
                await TargetsAsync(
                    at with
                    {
                        Source = ExpansionSource.Forward,
                        Owner = name.User,
                        Forward = question,
                        Delivered = action.FrozenDeliveredTo ? at.Delivered : at.Address,
                        Unmatched = action.ExtensionsPropagate.HasFlag(ExpansionSource.Forward) ? name.Extension : "",
                    },
                    targets,
                    cancellationToken);
                _been.Add("done " + visit);
                return true;
            default:
                return false;
        }
    }

    private async ValueTask TargetsAsync(ExpansionPoint at, ImmutableArray<ListedTarget> targets, CancellationToken cancellationToken)
    {
        if (targets.Length > TargetList.MaximumTargets)
        {
            Fail(at, new(5, 4, 6), $"a list for {at.Address} names more than {TargetList.MaximumTargets} targets");
            return;
        }
        foreach (ListedTarget target in targets)
        {
            switch (target.Kind)
            {
                case TargetKind.Command:
                    Allowed(at, target, action.CommandsFrom, "mail to command is restricted");
                    break;
                case TargetKind.File when target.Text.StartsWith('/'):
                    Allowed(at, target, action.FilesFrom, "mail to file is restricted");
                    break;
                case TargetKind.File when at.Forward is not null && target.Text.StartsWith("~/", StringComparison.Ordinal):
                    Allowed(at, target, action.FilesFrom, "mail to file is restricted");
                    break;
                case TargetKind.File:
                    Misconfigured(at, (at.Forward is null ? "unknown home directory for: " : "bad home directory syntax for: ") + target.Text);
                    break;
                case TargetKind.Include:
                    await IncludeAsync(at, target.Text, cancellationToken);
                    break;
                default:
                    await AddressAsync(at, target, cancellationToken);
                    break;
            }
        }
    }

    private void Allowed(ExpansionPoint at, ListedTarget target, ExpansionSource from, string refusal)
    {
        if (!from.HasFlag(at.Source))
            Fail(at, new(5, 7, 1), refusal);
        else if (_been.Add($"{target.Kind} {at.Forward?.User} {target.Text}"))
            _leaves.Add(new LocalLeaf.Target(at, envelopes.ForTarget(at, target), target));
    }

    private async ValueTask AddressAsync(ExpansionPoint at, ListedTarget target, CancellationToken cancellationToken)
    {
        if (await services.Resolve(target.Text, cancellationToken) is not { } standing || standing.Existence is AddressExistence.Unavailable)
        {
            Defer(at, new(4, 3, 0), "address resolver failure");
            return;
        }
        if (standing.Existence is AddressExistence.Unknown)
        {
            Fail(at, new(5, 1, 3), "bad recipient address syntax: " + target.Text);
            return;
        }
        MailAddress address = standing.Address;
        if (at.Unmatched.Length > 0)
            address = address with { LocalPart = address.LocalPart + at.Unmatched };
        ExpansionPoint next = at with { Address = address, Level = at.Level + 1, IsDirect = target.IsDirect };
        if (standing.Transport == action.Name)
            await RecipientAsync(next, cancellationToken);
        else
            Onward(next);
    }

    private async ValueTask IncludeAsync(ExpansionPoint at, string path, CancellationToken cancellationToken)
    {
        if (!path.StartsWith('/'))
        {
            Misconfigured(at, $":include:{path} uses a relative path");
            return;
        }
        if (at.Level > MaximumLevel)
        {
            Fail(at, new(5, 4, 6), "include file loop for " + path);
            return;
        }
        // Whom it names has had it then; a file that includes itself twice would double the work at each level.
        if (!_been.Add($"include {at.Forward?.User} {path}"))
            return;
        (string? text, string trouble) = at.Forward is null ? Included(path) : await WishedAsync(at.Forward, path, cancellationToken);
        if (text is null)
        {
            Misconfigured(at, $"unable to lookup :include: file {path}: {trouble}");
            return;
        }
        string unmatched = action.ExtensionsPropagate.HasFlag(ExpansionSource.Include) ? at.Unmatched : "";
        await TargetsAsync(at with { Level = at.Level + 1, Source = ExpansionSource.Include, Unmatched = unmatched }, TargetList.ReadFile(text), cancellationToken);
    }

    private static (string? Text, string Trouble) Included(string path)
    {
        try
        {
            return (File.GetUnixFileMode(path) & UnixFileMode.OtherWrite) != 0 ? (null, "it is world writable") : (RegularFile.ReadText(path, MaximumInclude), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, e.Message);
        }
    }

    private async ValueTask<(string? Text, string Trouble)> WishedAsync(LocalEnvelope forward, string path, CancellationToken cancellationToken) =>
        await services.Wishes(
            forward with { Target = LocalActions.DigestOf(new LocalTarget(false, ":include:" + path)), Source = TargetSource.ForwardFile }, cancellationToken) switch
        {
            Routing.ForwardFile.Text text => (text.Content, ""),
            Routing.ForwardFile.Unsafe bad => (null, bad.Reason),
            Routing.ForwardFile.Unavailable unavailable => (null, unavailable.Reason),
            _ => (null, "it is not there"),
        };

    private async ValueTask MailboxAsync(ExpansionPoint at, LocalName name, CancellationToken cancellationToken)
    {
        if (!_been.Add("mailbox " + name.Whole))
            return;
        if (await TransportAsync(at, action.MailboxTransports, action.MailboxTransport, name.User, cancellationToken))
            return;
        switch (await services.Users.FindAsync(name.User, cancellationToken))
        {
            case UserAnswer.Unavailable unavailable:
                Defer(at, new(4, 0, 0), "user lookup error: " + unavailable.Reason);
                return;
            case UserAnswer.NotFound:
                await UnknownAsync(at, name, cancellationToken);
                return;
        }
        LocalEnvelope envelope = envelopes.For(at.Address, name.User, name.Extension);
        switch (await services.Tables().FindAsync(action.MailboxCommands, name.User, MapUse.NoSubstitution, cancellationToken))
        {
            case TableAnswer.Unavailable unavailable:
                Defer(at, new(4, 3, 0), "mailbox_command_maps lookup error: " + unavailable.Reason);
                break;
            case TableAnswer.Found found:
                LocalTarget command = Local.LocalActionsCompiler.CommandTarget(found.Value);
                var listed = new ListedTarget(TargetKind.Command, command.Text);
                _leaves.Add(new LocalLeaf.Target(at, envelope with { Target = LocalActions.DigestOf(command), Source = TargetSource.CommandTable }, listed));
                break;
            default:
                _leaves.Add(new LocalLeaf.Mailbox(at, envelope));
                break;
        }
    }

    /// <summary>False where neither map nor parameter names a transport.</summary>
    private async ValueTask<bool> TransportAsync(ExpansionPoint at, ImmutableArray<string> maps, string always, string user, CancellationToken cancellationToken)
    {
        string route = always;
        switch (await services.Tables().FindAsync(maps, user, MapUse.NoSubstitution, cancellationToken))
        {
            case TableAnswer.Unavailable unavailable:
                Defer(at, new(4, 3, 0), "transport lookup error: " + unavailable.Reason);
                return true;
            case TableAnswer.Found found:
                route = found.Value;
                break;
        }
        if (route.Length == 0)
            return false;
        int colon = route.IndexOf(':', StringComparison.Ordinal);
        (string transport, string nextHop) = colon < 0 ? (route, "") : (route[..colon], route[(colon + 1)..]);
        _leaves.Add(new LocalLeaf.Passed(at, transport, nextHop.Length > 0 ? nextHop : at.Address.Domain));
        return true;
    }

    private async ValueTask UnknownAsync(ExpansionPoint at, LocalName name, CancellationToken cancellationToken)
    {
        if (!_been.Add("unknown " + name.Whole) || await TransportAsync(at, action.FallbackTransports, action.FallbackTransport, name.User, cancellationToken))
            return;
        if (action.UnknownUserRelay.Length > 0)
        {
            MacroText.Expansion relay = MacroText.Expand(action.UnknownUserRelay, macro => envelopes.MacroOf(macro, at.Address, name.User, name.Extension));
            AddressStanding? standing = relay.Error is null ? await services.Resolve(relay.Text, cancellationToken) : null;
            if (standing is null)
                Defer(at, new(4, 3, 5), "luser_relay: " + (relay.Error ?? "address resolver failure"));
            else if (!standing.Address.Equals(at.Address))
                await AddressAsync(at with { Unmatched = "" }, new ListedTarget(TargetKind.Address, relay.Text), cancellationToken);
            else
                Fail(at, new(5, 1, 1), $"unknown user: \"{name.User}\"");
            return;
        }
        if (Reserved.Contains(name.User))
        {
            Warn("required alias not found: " + name.User);
            _leaves.Add(new LocalLeaf.Decided(at, DeliveryOutcome.Delivered("discarded")));
            return;
        }
        Fail(at, new(5, 1, 1), $"unknown user: \"{name.User}\"");
    }

    private void Onward(ExpansionPoint at)
    {
        if (_been.Add("onward " + at.Address))
            _leaves.Add(new LocalLeaf.Onward(at));
    }

    private void Misconfigured(ExpansionPoint at, string warning)
    {
        Warn(warning);
        Fail(at, new(5, 3, 5), "mail system configuration error");
    }

    private void Unavailable(ExpansionPoint at, string reason)
    {
        Warn(reason);
        Defer(at, new(4, 3, 0), "alias database unavailable");
    }

    private void Fail(ExpansionPoint at, EnhancedStatus status, string text) => _leaves.Add(new LocalLeaf.Decided(at, DeliveryOutcome.Failed(status, text)));

    private void Defer(ExpansionPoint at, EnhancedStatus status, string text) => _leaves.Add(new LocalLeaf.Decided(at, DeliveryOutcome.Deferred(status, text)));

    private void Warn(string text) => services.Events.Publish(new OperatorWarning("local", text) { At = services.Events.Now });
}
