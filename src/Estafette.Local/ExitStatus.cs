using Estafette.Mail;

namespace Estafette.Local;

/// <summary>What the exit status of a command means for its message (sysexits.h).</summary>
internal static class ExitStatus
{
    public static EnhancedStatus Meaning(int code) => code switch
    {
        0 => new(2, 0, 0),
        71 or 75 => new(4, 3, 0),
        65 => new(5, 6, 0),
        67 => new(5, 1, 1),
        68 => new(5, 1, 2),
        73 => new(5, 2, 0),
        76 => new(5, 5, 0),
        77 => new(5, 7, 0),
        78 => new(5, 3, 5),
        _ => new(5, 3, 0),
    };

    public static string Phrase(int code) => code switch
    {
        64 => "command line usage error",
        65 => "data format error",
        66 => "cannot open input",
        67 => "user unknown",
        68 => "host name unknown",
        69 => "service unavailable",
        70 => "internal software error",
        71 => "system resource problem",
        72 => "critical OS file missing",
        73 => "can't create user output file",
        74 => "input/output error",
        75 => "temporary failure",
        76 => "remote error in protocol",
        77 => "permission denied",
        78 => "local configuration error",
        _ => $"command exited with status {code}",
    };
}
