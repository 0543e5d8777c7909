using Estafette.Config;

namespace Estafette.Program.Daemon;

/// <summary>Lays out the state folder before root is given up. Throws <see cref="IOException"/> with the path when it cannot.</summary>
internal static class StatePreparation
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Searchable = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode Readable = Searchable | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Everybody may add a file and only the daemon may list or read; a file gets the folder's group, so that the daemon may read it; the sticky bit keeps strangers from renaming it.</summary>
    private const UnixFileMode WriteOnly = Private | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute
        | UnixFileMode.SetGroup | UnixFileMode.StickyBit;

    public static void Prepare(StateFolder state, DaemonUser? owner)
    {
        // Root's where root starts, also when an earlier start was not: the privileged side trusts what lies directly in it.
        Make(state.Root, Readable, owner is null ? null : new DaemonUser("root", 0, 0, []));
        Make(state.Spool, Private, owner);
        Make(state.Public, Readable, owner);
        Make(state.Run, Readable, owner);
        Make(state.Mail, Private, owner);
        Make(state.Certificates, Private, owner);
        Make(state.Drop, WriteOnly, owner);
    }

    /// <summary>Removes what an earlier run left. Only for who holds the spool's lock: another daemon's sockets must not vanish (E57).</summary>
    public static void RemoveStaleSockets(StateFolder state)
    {
        File.Delete(state.SubmissionSocket);
        File.Delete(state.ControlSocket);
        foreach (string socket in Directory.EnumerateFiles(state.Run, "local.*.sock"))
        {
            if (socket != state.LocalSocket)
                File.Delete(socket);
        }
    }

    private static void Make(string path, UnixFileMode mode, DaemonUser? owner)
    {
        DirectoryInfo folder = Directory.CreateDirectory(path);
        if (owner is { User: not 0 } && folder.LinkTarget is not null)
            throw new IOException($"{path} is a link: name the folder itself, so that nobody can lead root elsewhere");
        if (owner is { User: not 0 } && FileStamp.TryReadItself(path, out FileStamp before, out _) && before.User != owner.User && DaemonUser.IsCandidate(before.User))
            new StateInheritance(before, owner).Take(path);
        if (owner is not null && Native.ChangeOwner(path, owner.User, owner.Group) != 0)
            throw new IOException($"{path} cannot be given to {owner.Name}: {Native.LastError()}");
        File.SetUnixFileMode(path, mode);
    }
}
