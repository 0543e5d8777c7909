using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing;

/// <summary>
/// Turns one RCPT into final recipients, breadth first. It ends: nothing is expanded twice, and depth and number are limited (E32). The first
/// target that is refused refuses the whole RCPT, so that a sender never hears 250 for a list of which a part is lost.
/// </summary>
internal sealed class Expansion(ExpansionRules rules, RouteQuery query, MailAddress original)
{
    /// <summary>Steps to one final recipient, at most, on average.</summary>
    private const int NodesPerRecipient = 4;

    private readonly Queue<ExpansionNode> _waiting = new();
    private readonly HashSet<object> _seen = [];
    private readonly HashSet<(string Action, DeliveryTarget Target, MailAddress Address)> _taken = [];
    private readonly ImmutableArray<Recipient>.Builder _recipients = ImmutableArray.CreateBuilder<Recipient>(1);
    private int _nodes;
    private SourceSpan _rule = SourceSpan.None;

    public async ValueTask<RouteResult> RunAsync(CancellationToken cancellationToken)
    {
        Add(new ExpansionNode(new AliasTarget.Address(original), null));
        while (_waiting.TryDequeue(out ExpansionNode? node))
        {
            RouteResult.Refused? refusal = await ExpandAsync(node, cancellationToken);
            if (refusal is null && (_recipients.Count > rules.Limits.ExpansionSize || _nodes > rules.Limits.ExpansionSize * NodesPerRecipient))
                refusal = Refuse(RefusalReason.ExpansionProblem, node, "expands to too many recipients");
            if (refusal is not null)
            {
                rules.Events.Trace("expand", $"expand: <{original}> refused: {refusal.Text} ({refusal.Detail})");
                return refusal;
            }
        }
        return _recipients.Count > 0
            ? new RouteResult.Accepted(_recipients.ToImmutable(), _rule)
            : rules.Texts.Of(RefusalReason.ExpansionProblem, original, _rule) with { Detail = "expands to nobody: a loop" };
    }

    private ValueTask<RouteResult.Refused?> ExpandAsync(ExpansionNode node, CancellationToken cancellationToken)
    {
        if (node.Depth >= rules.Limits.ExpansionDepth)
            return Now(Refuse(RefusalReason.ExpansionProblem, node, "aliases are nested too deep"));
        if (node.IsLoop)
            return Now(Refuse(RefusalReason.ExpansionProblem, node, $"<{node.Address}> leads back to itself"));
        return node.Target switch
        {
            AliasTarget.Address address => AddressAsync(node, address.Value, cancellationToken),
            AliasTarget.User user => UserAsync(node, user, cancellationToken),
            AliasTarget.Error error => Now(Error(node, error)),
            AliasTarget.Command or AliasTarget.File => OutsideMailboxAsync(node, cancellationToken),
            _ => Now(null),
        };
    }

    private async ValueTask<RouteResult.Refused?> AddressAsync(ExpansionNode node, MailAddress address, CancellationToken cancellationToken)
    {
        bool expanded = node.Parent is not null;
        RuleVerdict verdict = await rules.Matcher.MatchAsync(query, address, expanded, cancellationToken);
        node.Rule = (verdict as RuleVerdict.Matched)?.Rule ?? (verdict as RuleVerdict.Unavailable)?.Rule;
        if (!expanded)
            _rule = node.Rule?.At ?? SourceSpan.None;
        switch (verdict)
        {
            case RuleVerdict.None:
                return Refuse(RefusalReason.NoRule, node, $"no rule takes <{address}>");
            case RuleVerdict.Unavailable unavailable:
                return Refuse(RefusalReason.TemporaryFailure, node, unavailable.Reason);
        }
        if (node.Rule!.Action is not { } name)
            return Refuse(RefusalReason.RejectedByRule, node, $"a rule rejects <{address}>");
        if (!rules.Actions.TryGetValue(name, out ActionConfig? action))
            return Refuse(RefusalReason.TemporaryFailure, node, $"no action {name}");
        rules.Events.Trace("expand", $"expand: address <{address}> [depth={node.Depth}] by {node.Rule.At} -> {name}");
        if (action is not ActionConfig.Local local)
            return action is ActionConfig.Relay && !expanded && IsSourceRouted(address)
                ? rules.Texts.Make(RefusalReason.RejectedByRule, 550, new EnhancedStatus(5, 7, 1), "Routing within the local part is not allowed", original, node.Rule.At)
                : Submit(node, name, DeliveryTarget.Relay.Instance);
        node.Action = local;
        if (local.VirtualTable is null)
        {
            Add(new ExpansionNode(new AliasTarget.User(KeyText.Fold(address.LocalPart), false), node));
            return null;
        }
        AliasAnswer answer = await rules.Aliases.VirtualAsync(local.VirtualTable, KeyText.Fold(address.LocalPart), KeyText.Fold(address.Domain), cancellationToken);
        if (answer is AliasAnswer.NotFound)
            return TryPostmaster(node, KeyText.Fold(address.LocalPart))
                ? null
                : Refuse(RefusalReason.ExpansionProblem, node, $"<{address}> is not in table {local.VirtualTable}") with { Reason = RefusalReason.UnknownUser };
        return Take(node, answer);
    }

    /// <summary>The percent hack and bang paths make other servers relay; strangers may not have us pass them on (E27).</summary>
    private bool IsSourceRouted(MailAddress address) =>
        address.LocalPart.AsSpan().ContainsAny("%!@") && query.Client.Login is null && !rules.Matcher.IsLocalClient(query.Client);

    private async ValueTask<RouteResult.Refused?> UserAsync(ExpansionNode node, AliasTarget.User target, CancellationToken cancellationToken)
    {
        ActionConfig.Local action = node.Action!;
        bool direct = target.Direct && rules.BackslashIsFinal;
        if (node.SameUser is null && !direct)
        {
            AliasAnswer answer = await LookupAsync(node, action, target.Name, cancellationToken);
            if (answer is not AliasAnswer.NotFound)
                return Take(node, answer);
        }
        int tag = target.Name.AsSpan().IndexOfAny(rules.Delimiters);
        string name = tag < 0 ? target.Name : target.Name[..tag];
        node.Name = name;
        node.Detail = tag < 0 ? "" : target.Name[(tag + 1)..];
        switch (await rules.FindUserAsync(action, name, cancellationToken))
        {
            case UserAnswer.Unavailable unavailable:
                return Refuse(RefusalReason.TemporaryFailure, node, unavailable.Reason);
            case UserAnswer.NotFound:
                return TryPostmaster(node, name) ? null : Refuse(RefusalReason.UnknownUser, node, $"no user {name}");
            case UserAnswer.Found found:
                node.User = found.User;
                break;
        }
        bool ownForward = node.SameUser is { HasForwarded: true };
        bool otherUser = action.RunAs is { } runAs && runAs != name;
        if (ownForward || otherUser || direct || !action.ForwardFiles || action.UserTable is not null)
            return ownForward ? SubmitUser(node) : WithoutForward(node);
        node.HasForwarded = true;
        return await ForwardAsync(node, name, cancellationToken);
    }

    private async ValueTask<AliasAnswer> LookupAsync(ExpansionNode node, ActionConfig.Local action, string name, CancellationToken cancellationToken)
    {
        if (action.AliasTable is { } aliases)
        {
            AliasAnswer answer = await rules.Aliases.AliasAsync(aliases, name, cancellationToken);
            if (answer is AliasAnswer.Found && node.ReversePath is null && !query.ReversePath.IsNull && await rules.HasOwnerAsync(aliases, name, cancellationToken))
                node.ReversePath = new MailAddress("owner-" + name, node.Address.Domain);
            if (answer is not AliasAnswer.NotFound)
                return answer;
        }
        return action.VirtualTable is { } table
            ? await rules.Aliases.VirtualAsync(table, name, "", cancellationToken)
            : AliasAnswer.NotFound.Instance;
    }

    private async ValueTask<RouteResult.Refused?> ForwardAsync(ExpansionNode node, string name, CancellationToken cancellationToken)
    {
        switch (await rules.Forwards.ReadAsync(name, node.Detail, cancellationToken))
        {
            case ForwardFile.Unsafe notSafe:
                return Refuse(RefusalReason.ExpansionProblem, node, $"forward file of {name}: {notSafe.Reason}");
            case ForwardFile.Unavailable unavailable:
                return Unavailable(node, $"forward file of {name}: {unavailable.Reason}");
            case ForwardFile.Text text:
                AliasTargets parsed = AliasParser.ParseFile(text.Content);
                if (!parsed.IsValid)
                    return Unavailable(node, $"forward file of {name}: {parsed.Error}");
                // Users may not make the daemon read files: includes count for nothing here.
                ImmutableArray<AliasTarget> targets = [.. parsed.Targets.Where(t => t is not AliasTarget.Include)];
                if (targets.IsEmpty)
                    return WithoutForward(node);
                AddAll(node, targets);
                return null;
            default:
                return WithoutForward(node);
        }
    }

    private RouteResult.Refused? WithoutForward(ExpansionNode node) => node.Action!.Method switch
    {
        LocalMethod.ForwardOnly => Unavailable(node, "the action delivers by forward files only, and there is none"),
        LocalMethod.ExpandOnly => Refuse(RefusalReason.ExpansionProblem, node, "the action delivers by aliases only, and there is none"),
        _ => SubmitUser(node),
    };

    private RouteResult.Refused? SubmitUser(ExpansionNode node)
    {
        ActionConfig.Local action = node.Action!;
        bool root = action.RunAs is null ? node.User!.Uid == 0 : action.RunAs == "root";
        // Nothing is written or run as root (E17); what a service on a socket does is its own affair. Later, not never: an alias cures it.
        if (root && action.Method is not LocalMethod.Lmtp)
            return rules.Texts.Make(RefusalReason.TemporaryFailure, 451, new EnhancedStatus(4, 3, 5), "Mail for root needs an alias to a user", original, node.Rule!.At)
                with
            { Detail = "nothing is delivered as root" };
        return Submit(node, action.Name, new DeliveryTarget.User(node.User!.Name));
    }

    /// <summary>A command or a file, run as the user whose file names it, else as the aliases' user.</summary>
    private async ValueTask<RouteResult.Refused?> OutsideMailboxAsync(ExpansionNode node, CancellationToken cancellationToken)
    {
        if (node.Action!.Method is LocalMethod.ForwardOnly)
            return Refuse(RefusalReason.TemporaryFailure, node, "the action takes no commands and files");
        TargetSource source = node.Parent?.User is null ? TargetSource.AliasTable : TargetSource.ForwardFile;
        UserRecord? runAs = node.Parent?.User ?? await rules.AliasUserAsync(cancellationToken);
        if (runAs is null)
            return Refuse(RefusalReason.TemporaryFailure, node, "there is no user to run the commands of aliases as");
        if (runAs.Uid == 0)
            return Refuse(RefusalReason.TemporaryFailure, node, "root runs no commands and writes no files of aliases and forward files");
        DeliveryTarget target = node.Target is AliasTarget.Command command
            ? new DeliveryTarget.Command(command.CommandLine, runAs.Name, source)
            : new DeliveryTarget.File(((AliasTarget.File)node.Target).Path, runAs.Name, source);
        return Submit(node, node.Action.Name, target);
    }

    private RouteResult.Refused Error(ExpansionNode node, AliasTarget.Error error) =>
        node.Action!.Method is LocalMethod.ForwardOnly
            ? Refuse(RefusalReason.TemporaryFailure, node, "the action takes no error targets")
            : rules.Texts.Make(RefusalReason.ErrorTarget, error.Code, error.Status, error.Text, original, node.Rule!.At);

    /// <summary>Mail for postmaster is never refused where mail is delivered (RFC 5321 s4.5.1): root gets it where nobody else does.</summary>
    private bool TryPostmaster(ExpansionNode node, string name)
    {
        if (name != "postmaster")
            return false;
        Add(new ExpansionNode(new AliasTarget.User("root", false), node));
        return true;
    }

    private RouteResult.Refused? Take(ExpansionNode node, AliasAnswer answer)
    {
        if (answer is AliasAnswer.Unavailable unavailable)
            return Unavailable(node, unavailable.Reason);
        AddAll(node, ((AliasAnswer.Found)answer).Targets);
        return null;
    }

    private void AddAll(ExpansionNode parent, ImmutableArray<AliasTarget> targets)
    {
        foreach (AliasTarget target in targets)
        {
            Add(new ExpansionNode(Normal(target, parent), parent));
            if (_nodes > rules.Limits.ExpansionSize * NodesPerRecipient)
                return;
        }
    }

    /// <summary>Names are folded; a user who lists the very address the mail came for means the mailbox behind it.</summary>
    private static AliasTarget Normal(AliasTarget target, ExpansionNode parent) => target switch
    {
        AliasTarget.User user => user with { Name = KeyText.Fold(user.Name) },
        AliasTarget.Address address when parent.Target is AliasTarget.User && SameMailbox(address.Value, parent.Address) => new AliasTarget.User(parent.Name, false),
        _ => target,
    };

    private static bool SameMailbox(MailAddress left, MailAddress right) =>
        left.LocalPart.Equals(right.LocalPart, StringComparison.OrdinalIgnoreCase) && left.Domain.Equals(right.Domain, StringComparison.OrdinalIgnoreCase);

    private void Add(ExpansionNode node)
    {
        _nodes++;
        if (_seen.Add(node.Identity) || node.IsLoop)
            _waiting.Enqueue(node);
    }

    private RouteResult.Refused? Submit(ExpansionNode node, string action, DeliveryTarget target)
    {
        MailAddress address = node.Address;
        if (!_taken.Add((action, target, address)))
            return null;
        if (rules.Events.Traces("expand"))
            rules.Events.Trace("expand", $"expand: <{original}> -> {action} {target} for <{address}>");
        _recipients.Add(new Recipient
        {
            Key = rules.Keys.Next(),
            Original = original,
            Address = address,
            Action = action,
            Target = target,
            Notify = query.Notify,
            DsnOriginalRecipient = query.DsnOriginalRecipient,
            ReversePath = node.ReversePath,
            Detail = node.Detail,
        });
        return null;
    }

    private RouteResult.Refused Unavailable(ExpansionNode node, string detail) =>
        rules.Texts.ExpansionUnavailable(original, node.Rule!.At) with { Detail = detail };

    private RouteResult.Refused Refuse(RefusalReason reason, ExpansionNode node, string detail) =>
        rules.Texts.Of(reason, original, node.Rule?.At ?? SourceSpan.None) with { Detail = detail };

    private static ValueTask<RouteResult.Refused?> Now(RouteResult.Refused? result) => ValueTask.FromResult(result);
}
