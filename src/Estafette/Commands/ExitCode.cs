namespace Estafette.Program.Commands;

/// <summary>Exit codes of sysexits.h, as callers of sendmail(1) read them.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>Not of sysexits.h: what <c>check</c> and the map tools answer for bad input.</summary>
    public const int Failure = 1;
    public const int Usage = 64;

    /// <summary>What smtpctl answers to words that are no command.</summary>
    public const int NoSuchCommand = 255;
    public const int DataError = 65;
    public const int Unavailable = 69;
    public const int Software = 70;
    public const int IoError = 74;
    public const int TempFail = 75;
    public const int NoPermission = 77;
    public const int Config = 78;
}
