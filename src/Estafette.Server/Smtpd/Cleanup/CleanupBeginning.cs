using System.Buffers;
using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Smtpd.Cleanup;

/// <summary>What cleanup knows of a message before its content: who sends it, whose domain completes its addresses, and the Received field that goes on top.</summary>
internal static class CleanupBeginning
{
    public static CleanupConfig? ConfigOf(SmtpSession session) => session.Connection.IsLocal ? session.Services.Config.LocalSubmission.Cleanup : session.Connection.Listener!.Cleanup;

    /// <summary>Null where a table cannot be asked now (E44).</summary>
    public static async ValueTask<CleanupSubject?> SubjectAsync(SmtpSession session, MessageId id, CleanupConfig config, CancellationToken cancellationToken)
    {
        Transaction transaction = session.Transaction!;
        HeaderContext context = await ContextAsync(session, config, cancellationToken);
        string sender = transaction.ReversePath.ToString();
        if (sender.Length > 0)
        {
            // An envelope's address is always completed; which domain completes it is the client's.
            HeaderContext completed = context == HeaderContext.None ? HeaderContext.Local : context;
            if (await session.Services.TreatAddress(new AddressQuestion(sender, AddressUse.EnvelopeSender, completed, config.MapsAddresses), cancellationToken) is not { } rewritten)
                return null;
            sender = rewritten;
        }
        ConnectionInfo connection = session.Connection;
        return new CleanupSubject
        {
            Id = id,
            Arrival = session.Parts.Clock.GetLocalNow(),
            HostName = session.Services.Config.HostName,
            Sender = sender,
            Origin = connection.IsLocal ? "local" : $"{(connection.Reverse.Verified ? connection.Reverse.Name : null) ?? "unknown"}[{connection.Remote!.Address}]",
            FirstRecipient = transaction.Given.Count > 0 ? transaction.Given[0].ToString() : "",
            Protocol = connection.IsLocal ? null : session.ClientInfo().Protocol,
            Helo = connection.IsLocal ? null : session.State.Helo,
            FullName = transaction.Parameters.Sendmail?.FullName ?? "",
            Context = context,
            Bounces = connection.IsLocal,
        };
    }

    public static ReadOnlyMemory<byte> TraceText(SmtpSession session, MessageId id, CleanupConfig config)
    {
        var text = new ArrayBufferWriter<byte>(512);
        ReceivedTrace trace = Trace(session, id, config);
        TraceFields.WriteReceived(text, TraceStyle.Postfix, trace);
        // sendmail(1) says who it is; any other program at this socket leads the dialogue itself, and the mail is both: taken over SMTP and picked up.
        if (session.Connection.IsLocal && session.Transaction!.Parameters.Sendmail is null)
        {
            var dialogue = new ArrayBufferWriter<byte>(256);
            TraceFields.WriteReceived(dialogue, TraceStyle.Postfix, trace with { IsDialogue = true });
            text.Write(dialogue.WrittenSpan);
        }
        return text.WrittenMemory;
    }

    private static ReceivedTrace Trace(SmtpSession session, MessageId id, CleanupConfig config)
    {
        Transaction transaction = session.Transaction!;
        ClientInfo client = session.ClientInfo();
        return new ReceivedTrace
        {
            Client = client with { Protocol = session.Connection.IsLocal ? client.Protocol.TrimEnd('A') : client.Protocol },
            ByHost = session.Services.Config.HostName,
            Id = id,
            Time = session.Parts.Clock.GetLocalNow(),
            For = transaction.Given.Count == 1 ? transaction.Given[0] : null,
            ClientCertificateAsked = session.State.Tls?.ClientAsked == true,
            ClientCertificate = session.State.Tls?.Client,
            MailName = config.MailName,
            TellsTls = config.TellsTls,
            TellsLogin = config.TellsLogin,
        };
    }

    private static async ValueTask<HeaderContext> ContextAsync(SmtpSession session, CleanupConfig config, CancellationToken cancellationToken)
    {
        bool isLocal = session.Connection.IsLocal ? session.Transaction!.Parameters.Sendmail is not { IsGateway: true } : await IsLocalClientAsync(session, config.RewriteClients, cancellationToken);
        return isLocal ? HeaderContext.Local : config.RemoteRewriteDomain.Length > 0 ? HeaderContext.Remote : HeaderContext.None;
    }

    private static async ValueTask<bool> IsLocalClientAsync(SmtpSession session, RewriteClients clients, CancellationToken cancellationToken)
    {
        IPAddress address = session.Connection.Remote!.Address;
        if ((clients.OwnAddresses && session.Services.IsOwnAddress(address)) || (clients.Authenticated && session.State.Login is not null))
            return true;
        ClientCertificate? certificate = session.State.Tls?.Client;
        if (clients.Certified && certificate is { IsVerified: true })
            return true;
        TableSet tables = session.Services.Tables;
        if (clients.Networks && session.Connection.Listener!.Smtpd is { } smtpd && (await tables.MatchAddressAsync(smtpd.Networks, address, cancellationToken)).IsMatch)
            return true;
        if (certificate is not null && await tables.FindAsync(clients.Certificates, certificate.Fingerprint, cancellationToken) is TableAnswer.Found)
            return true;
        return await tables.FindAsync(clients.AddressMaps, address.ToString(), cancellationToken) is TableAnswer.Found;
    }
}
