using System.Collections.Immutable;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtpd;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>What was read at the start, while the process perhaps was root, so that the daemon needs root for none of it later.</summary>
internal sealed record LoadedConfiguration(MailConfig Config, FileView Files, TableSet Tables, ServerCertificates Certificates, SystemUsers Users, LocalActionsStep LocalActions)
{
    /// <summary>Whom the daemon became; null where an ordinary user started it.</summary>
    public DaemonUser? User { get; init; }

    /// <summary>What the operator was told.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>The files it names, as they were when they were read.</summary>
    public ImmutableArray<WatchedPath> Watched { get; init; } = [];
}
