namespace Estafette.Config;

/// <summary>
/// What is wrong with a private key's file, judged by its mode alone: asked when a configuration is checked and again at every load, because a mode may
/// have changed meanwhile. A group may read (Debian's ssl-cert), nobody else.
/// </summary>
public static class KeyFile
{
    private const UnixFileMode Refused = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;

    /// <summary>The problem and its cure; null where the mode is fine.</summary>
    public static (string Message, string Cure)? Problem(string path, UnixFileMode mode)
    {
        if ((mode & Refused) == 0)
            return null;
        var state = new FileState(FilePresence.Present, mode);
        return ($"the private key `{path}` is open to {(state.OthersMayRead ? "everybody on this machine" : "writing by others")} (mode {state.Octal})",
            $"run `chmod 600 {path}`, and consider the key as known to others");
    }
}
