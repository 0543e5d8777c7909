using Estafette.Mail;

namespace Estafette.Local;

/// <summary>Reads the compiled actions from an open descriptor. Null when it is damaged, or not the own user's and nobody else's to write.</summary>
internal static unsafe class ActionsFile
{
    public static LocalActions? Read(int fd, uint owner)
    {
        if (!Native.TryStat(fd, out Native.Statx stat) || !stat.IsRegular || stat.Size > LocalActionsCodec.MaximumSize
            || (stat.Uid != owner && stat.Uid != 0) || (stat.Mode & 0x12 /* 0022 */) != 0)
            return null;
        byte[] bytes = new byte[stat.Size];
        int length = 0;
        fixed (byte* start = bytes)
        {
            while (length < bytes.Length)
            {
                nint count = Native.pread(fd, start + length, (nuint)(bytes.Length - length), length);
                if (count <= 0)
                    return null;
                length += (int)count;
            }
        }
        return LocalActionsCodec.TryDecode(bytes, out LocalActions? actions) ? actions : null;
    }

    public static bool UsesMailSpool(LocalActions actions) => actions.Actions.Values.Any(a => a is { Method: LocalMethodKind.Mbox, Template: "" });
}
