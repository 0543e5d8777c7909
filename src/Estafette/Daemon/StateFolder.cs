namespace Estafette.Program.Daemon;

/// <summary>
/// The places below one state folder. Everybody may search the folder itself; what lies in it decides who may do what: <c>public</c> holds what
/// any user may reach, <c>drop</c> is write-only, <c>spool</c> and <c>run</c> are the daemon's.
/// </summary>
internal sealed record StateFolder(string Root)
{
    public string Spool => Path.Combine(Root, "spool");
    public string Public => Path.Combine(Root, "public");
    public string Drop => Path.Combine(Root, "drop");
    public string Run => Path.Combine(Root, "run");

    /// <summary>What the server made itself (<c>pki NAME self-signed</c>).</summary>
    public string Certificates => Path.Combine(Root, "certs");
    public string Mail => Path.Combine(Root, "mail");

    /// <summary>SMTP from local programs; the kernel tells who connects.</summary>
    public string SubmissionSocket => Path.Combine(Public, "submission.sock");

    /// <summary>Listing and operating the queue.</summary>
    public string ControlSocket => Path.Combine(Public, "control.sock");

    /// <summary>Between the daemon and its estafette-local; named by process, because it is made before the spool's lock is held.</summary>
    public string LocalSocket { get; } = Path.Combine(Root, "run", $"local.{Environment.ProcessId}.sock");

    /// <summary>What the privileged side knows of the configuration; in a folder of root's own where the daemon runs without it.</summary>
    public string LocalActions => Path.Combine(Root, "actions");

    /// <summary>The text of the configuration as root compiled it last: renewed files are read under this one, whatever an editor has done to it since.</summary>
    public string CompiledSources => Path.Combine(Root, "compiled");

    /// <summary>The files that the privileged side looks at for changes.</summary>
    public string WatchList => Path.Combine(Root, "watch");

    /// <summary>What a submitter needs to know while the daemon is down: host name and habits.</summary>
    public string Profile => Path.Combine(Public, "profile");

    /// <summary>
    /// The folder that a command without <c>--state</c> means: <c>$ESTAFETTE_STATE</c>, else root's and the package's
    /// <c>/var/lib/estafette</c> where it exists, else the user's own.
    /// </summary>
    public static StateFolder Default()
    {
        string? named = Environment.GetEnvironmentVariable("ESTAFETTE_STATE");
        if (!string.IsNullOrEmpty(named))
            return new StateFolder(Path.GetFullPath(named));
        const string packaged = "/var/lib/estafette";
        if (Environment.IsPrivilegedProcess || Directory.Exists(packaged))
            return new StateFolder(packaged);
        string? home = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(home))
            home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return new StateFolder(Path.Combine(home, "estafette"));
    }
}
