namespace Estafette.Mail;

/// <summary>
/// How the daemon speaks with root about its configuration, over the private socket of local delivery (DESIGN 6). A connection's first line is one of these words. To
/// <see cref="Watch"/> the answer is 220, then <see cref="Changed"/> whenever files changed. To the others it is a refusal (<see cref="LocalReply"/>) or the
/// compile step itself, which writes what it hands over, waits for <see cref="Commit"/>, and answers with a reply. The words name nothing: no path, no file, no command.
/// </summary>
public static class CompileProtocol
{
    /// <summary>Reads the configuration again.</summary>
    public const string Reload = "XCOMPILE RELOAD";

    /// <summary>Reads again what the configuration in force names, not the configuration itself.</summary>
    public const string Renew = "XCOMPILE RENEW";
    public const string Watch = "XWATCH";
    public const string Changed = "CHANGED";
    public const string Commit = "COMMIT";

    /// <summary>Pause between two starts of the compile step; one that is asked for earlier is put off (450).</summary>
    public static readonly TimeSpan MinimumPause = TimeSpan.FromSeconds(1);

    /// <summary>Longest run of the compile step, with the daemon's part; then it is ended and nothing has changed.</summary>
    public static readonly TimeSpan MaximumRun = TimeSpan.FromSeconds(60);
}
