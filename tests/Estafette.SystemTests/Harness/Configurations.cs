namespace Estafette.SystemTests.Harness;

/// <summary>Users that every Debian has, so that tests need no change of the machine.</summary>
internal static class Configurations
{
    /// <summary>A user of the system that may own mailboxes: as root one of Debian's own, else whoever runs the tests.</summary>
    public static string LocalUser { get; } = Environment.IsPrivilegedProcess ? "games" : Environment.UserName;

    /// <summary>Makes an (empty) folder the local user's, as a mailbox's parent is in life.</summary>
    public static void GiveToLocalUser(string path)
    {
        Directory.CreateDirectory(path);
        if (Environment.IsPrivilegedProcess)
            Command.RunAsync("/bin/chown", [LocalUser, path]).GetAwaiter().GetResult();
    }

    /// <summary>Makes an (empty) folder that every user may write to.</summary>
    public static void GiveToEverybody(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
    }

    /// <summary>Everything for mx.test to one sink; nothing else is taken.</summary>
    public static string ToSink(int port) => $$"""
        listen on 127.0.0.1 port @PORT@ hostname mx.test
        action "in" relay host smtp://127.0.0.1:{{port}}
        match from any for domain mx.test action "in"
        """;
}
