using Estafette.Mail;

namespace Estafette.Local;

/// <summary>The compiled actions. Null when they are damaged, or not the own user's and nobody else's to write.</summary>
internal static class ActionsFile
{
    public static LocalActions? Read(int fd, uint owner) =>
        OwnedFile.Read(fd, owner, LocalActionsCodec.MaximumSize) is { } bytes && LocalActionsCodec.TryDecode(bytes, out LocalActions? actions) ? actions : null;

    public static bool UsesMailSpool(LocalActions actions) => actions.Actions.Values.Any(a => a is { Method: LocalMethodKind.Mbox, Template: "", Users: null, Virtual: null });
}
