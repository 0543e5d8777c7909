using System.Globalization;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Turns the names of a connection's first line into an identity. Root is never one (E17). Without root only the user that started
/// the program is served.
/// </summary>
internal static class Identity
{
    /// <summary>Exactly one of the two is set.</summary>
    public static (LocalUser? User, LocalReply? Refusal) Resolve(LocalIdentity wanted, LocalActions actions, uint ownUid)
    {
        (LocalUser? user, LocalReply? refusal) = wanted.Kind switch
        {
            LocalIdentityKind.User => FromSystem(wanted.User),
            LocalIdentityKind.Action => FromAction(wanted.Action, actions),
            LocalIdentityKind.Table => FromTable(wanted, actions),
            // Without root there is one identity only, also where no account names it.
            LocalIdentityKind.Alias when ownUid != 0 => (UserDatabase.Find(ownUid) ?? new LocalUser($"uid{ownUid}", ownUid, Native.getegid(), "/"), null),
            LocalIdentityKind.Alias when AliasOwner(wanted.User, actions).Length == 0 =>
                (null, LocalReply.Defer(3, 5, "no unprivileged user to run alias commands as; set one in the configuration")),
            LocalIdentityKind.Alias => FromSystem(AliasOwner(wanted.User, actions)),
            LocalIdentityKind.Virtual => FromMailbox(wanted, actions),
            _ => (null, LocalReply.Defer(3, 0, "unknown kind of identity")),
        };
        if (user is null)
            return (null, refusal);
        if (user.Uid == 0)
            return (null, LocalReply.Defer(3, 5, $"mail is never delivered as root: give {user.Name} an alias"));
        if (ownUid != 0 && user.Uid != ownUid)
            return (null, LocalReply.Defer(3, 5, $"cannot deliver to {user.Name}: the server runs without root and serves only the user that started it"));
        return (user, null);
    }

    private static (LocalUser?, LocalReply?) FromSystem(string name) =>
        !UserDatabase.TryFind(name, out LocalUser? user) ? (null, LocalReply.Defer(3, 0, "the user database cannot be read"))
        : user is null ? (null, LocalReply.Fail(1, 1, $"no such user: {name}"))
        : (user, null);

    private static (LocalUser?, LocalReply?) FromAction(string action, LocalActions actions)
    {
        if (!actions.Actions.TryGetValue(action, out LocalAction? known) || known.RunAs.Length == 0)
            return (null, Unknown(action));
        (LocalUser? user, LocalReply? refusal) = FromSystem(known.RunAs);
        // An unknown fixed user is the operator's mistake, not the sender's.
        if (refusal is { Code: 550 })
            return (null, LocalReply.Defer(3, 5, $"the user of action \"{action}\" does not exist: {known.RunAs}"));
        if (user is null || known.Pipe is not { Group.Length: > 0 } pipe)
            return (user, refusal);
        return UserDatabase.FindGroup(pipe.Group) is uint gid && gid != 0
            ? (user with { Gid = gid }, null)
            : (null, LocalReply.Defer(3, 5, $"the group of action \"{action}\" does not exist, or is root's: {pipe.Group}"));
    }

    /// <summary>Whom the target with this digest runs as, or every target where no digest is named.</summary>
    private static string AliasOwner(string digest, LocalActions actions) =>
        actions.AliasTargets.TryGetValue(digest, out LocalTarget target) && target.RunAs is { Length: > 0 } owner ? owner : actions.AliasUser;

    /// <summary>A uid and gid that no account need have, within what the action allows.</summary>
    private static (LocalUser?, LocalReply?) FromMailbox(LocalIdentity wanted, LocalActions actions)
    {
        if (!actions.Actions.TryGetValue(wanted.Action, out LocalAction? known) || known.Virtual is not { } rules)
            return (null, Unknown(wanted.Action));
        string[] parts = wanted.User.Split(':');
        if (parts.Length != 2 || !uint.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid)
            || !uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint gid))
            return (null, LocalReply.Defer(3, 5, "a mailbox needs a uid and a gid"));
        if (uid == 0 || gid == 0 || uid < rules.MinimumUid || !rules.Uids.Contains(uid) || !rules.Gids.Contains(gid))
            return (null, LocalReply.Defer(3, 5, $"uid {uid} with gid {gid} is not allowed for mailboxes of \"{wanted.Action}\", or was not when the configuration was last compiled"));
        return (new LocalUser(wanted.User, uid, gid, rules.Folder), null);
    }

    private static (LocalUser?, LocalReply?) FromTable(LocalIdentity wanted, LocalActions actions)
    {
        if (!actions.Actions.TryGetValue(wanted.Action, out LocalAction? known) || known.UserTable.Length == 0)
            return (null, Unknown(wanted.Action));
        return actions.Users.TryGetValue((known.UserTable, wanted.User), out LocalUser? user)
            ? (user, null)
            : (null, LocalReply.Fail(1, 1, $"no such user in table {known.UserTable}: {wanted.User}"));
    }

    public static LocalReply Unknown(string action) => LocalReply.Defer(3, 5, $"action \"{action}\" is not known to local delivery");
}
