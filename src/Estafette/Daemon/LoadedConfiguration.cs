using Estafette.Config.Model;
using Estafette.Smtpd;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>What was read while root: the model, the tables' contents and the certificates, so that the daemon needs root for none of them later.</summary>
internal sealed record LoadedConfiguration(MailConfig Config, TableSet Tables, ServerCertificates Certificates, SystemUsers Users, LocalActionsStep LocalActions);
