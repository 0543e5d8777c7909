using System.Globalization;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The start of a helper: it drops to its user for good before it reads anything (DESIGN 6), dies where that did not work, then serves its
/// connection. Arguments come from the parent: uid, gid, groups, name, home; descriptor 3 is the compiled actions.
/// </summary>
internal static unsafe class Helper
{
    private const int Usage = 64, NoPermission = 77, ConfigurationTrouble = 78;

    public static int Run(string[] args)
    {
        if (args.Length != 6 || !TryNumber(args[1], out uint uid) || !TryNumber(args[2], out uint gid) || uid == 0)
            return Usage;
        // The program may stand where only root reads (a checkout in /root); its other half is loaded while that works.
        System.Runtime.CompilerServices.RuntimeHelpers.RunModuleConstructor(typeof(LocalUser).Module.ModuleHandle);
        bool wasRoot = Native.geteuid() == 0;
        if (wasRoot ? !Drop(uid, gid, args[3]) : Native.geteuid() != uid)
            return NoPermission;
        Native.umask(0x3f /* 0077 */);
        var user = new LocalUser(args[4], uid, gid, args[5]);
        if (!user.Home.StartsWith('/') || Native.chdir(user.Home) != 0)
            Native.chdir("/");
        LocalActions? actions = ActionsFile.Read(3, wasRoot ? 0 : uid);
        Native.close(3);
        return actions is null ? ConfigurationTrouble : new HelperSession(user, actions, wasRoot).Run();
    }

    /// <summary>False unless this process is the user now and cannot become root again.</summary>
    private static bool Drop(uint uid, uint gid, string groupList)
    {
        string[] texts = groupList.Split(',', StringSplitOptions.RemoveEmptyEntries);
        uint* groups = stackalloc uint[256];
        int count = 0;
        foreach (string text in texts)
        {
            if (count == 256 || !TryNumber(text, out groups[count++]))
                return false;
        }
        return Native.setgroups((nuint)count, groups) == 0
            && Native.setresgid(gid, gid, gid) == 0
            && Native.setresuid(uid, uid, uid) == 0
            && Native.setuid(0) != 0
            && Native.geteuid() == uid && Native.getuid() == uid;
    }

    private static bool TryNumber(string text, out uint value) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
