using System.Buffers;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Routing.Maps;
using Estafette.Smtp;
using Estafette.Smtpd.Cleanup;
using Estafette.Smtpd.Postfix;

namespace Estafette.Smtpd;

/// <summary>Begins a message with its trace fields and commits it with its envelope: 250 only after the commit (promise 1).</summary>
internal static class MessageIntake
{
    public static async ValueTask<MessageReception> BeginAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        if (CleanupBeginning.ConfigOf(session) is { } cleanup)
            return await BeginCleanedAsync(session, cleanup, cancellationToken);
        LimitsConfig limits = session.Limits;
        var message = new MessageReception(
            session.Parts.Intake.Begin(), new ReceptionLimits(limits.MessageSize, limits.HeaderSize, limits.HeaderFields, limits.Hops)
            {
                // Programs of this machine may hand in a bare text; sendmail(1) completes it.
                StrictHeader = session.Habits.StrictHeader && !session.Connection.IsLocal,
            }, Completion(session));
        TellBegun(session, message.Id);
        await message.PrependAsync(TraceText(session, message.Id), cancellationToken);
        return message;
    }

    private static async ValueTask<MessageReception> BeginCleanedAsync(SmtpSession session, CleanupConfig cleanup, CancellationToken cancellationToken)
    {
        var message = new MessageReception(session.Parts.Intake.Begin(), new ReceptionLimits(session.Limits.MessageSize, int.MaxValue, int.MaxValue, int.MaxValue), null);
        TellBegun(session, message.Id);
        if (await CleanupBeginning.SubjectAsync(session, message.Id, cleanup, cancellationToken) is { } subject)
            await message.CleanAsync(cleanup, subject, new CleanupTools(session.Services.Tables, session.Services.TreatAddress, session.Parts.Events), SmtpdCommit.WithPrepended(session.Transaction!, CleanupBeginning.TraceText(session, message.Id, cleanup)), cancellationToken);
        else
            message.Refuse();
        return message;
    }

    private static void TellBegun(SmtpSession session, MessageId id)
    {
        EventSink events = session.Parts.Events;
        if (events.TellsSteps)
            events.Publish(new MessageBegun(id, session.ClientInfo(), session.Transaction!.ReversePath) { At = events.Now, Service = session.Connection.Service, Mechanism = session.State.Mechanism });
    }

    public static async ValueTask<CommandResult> CommitAsync(SmtpSession session, MessageReception message, DataProblem malformed, CancellationToken cancellationToken)
    {
        if (Refusal(session.Replies, message.Problem, malformed) is { } refusal)
            return refusal;
        if (message.Cleanup is { } cleaned && CleanupEnd.Refusal(cleaned.Findings, session.Connection.IsLocal) is { } unwanted)
            return unwanted;
        (CommandResult? rejected, _) = await session.AskPolicyAsync(FilterPhase.Commit, session.Subject(), cancellationToken);
        if (rejected is not null)
            return rejected.Value;
        if (session.Smtpd is not null && await SmtpdCommit.RefusalAsync(session, message, cancellationToken) is { } refused)
            return refused;
        if (message.Cleanup is { Findings.Discard: true })
            return Taken(session, message.Id);
        Envelope envelope = EnvelopeOf(session, message);
        if (session.Services.Maps is { } maps)
        {
            EnvelopeRewriting rewriting = await maps.RewriteAsync(DraftOf(session, message), cancellationToken);
            if (rewriting is EnvelopeRewriting.Refused put)
                return new CommandResult(new Reply(451, $"{put.Status} {put.Text}"), put.Detail);
            var rewritten = (EnvelopeRewriting.Rewritten)rewriting;
            envelope = envelope with { ReversePath = rewritten.ReversePath, Recipients = rewritten.Recipients };
        }
        if (session.Transaction!.Parameters.Sendmail is { Report: SendmailReport.Verification } && session.Services.Maps is not null)
            return await VerificationReport.SendAsync(session, envelope, cancellationToken);
        if (message.Cleanup is not null)
            envelope = CleanupEnd.EnvelopeOf(session, envelope, message.Cleanup);
        void Tell(Envelope durable) => session.Parts.Events.Publish(new MessageAccepted(durable, message.HeaderMessageId)
        {
            At = session.Parts.Events.Now,
            GivenRecipients = [.. session.Transaction!.Given],
        });
        if (!await message.CommitAsync(envelope, Tell, cancellationToken))
            return Refusal(session.Replies, message.Problem, DataProblem.None)!;
        return Taken(session, envelope.Id);
    }

    private static CommandResult Taken(SmtpSession session, MessageId id)
    {
        session.Counts.Messages++;
        session.Counts.JunkCommands = 0;
        return session.Replies.Accepted(id);
    }

    private static EnvelopeDraft DraftOf(SmtpSession session, MessageReception message) => new()
    {
        ReversePath = session.Transaction!.ReversePath,
        Recipients = [.. session.Transaction.Drafts],
        IsMapped = CleanupBeginning.ConfigOf(session)?.MapsAddresses ?? true,
        Copies = message.Cleanup is { Findings.Copies: { Count: > 0 } copies } ? [.. copies] : [],
        Redirect = message.Cleanup?.Findings.Redirect ?? "",
    };

    private static Reply? Refusal(Replies replies, ReceptionProblem problem, DataProblem malformed) => (problem, malformed) switch
    {
        (ReceptionProblem.SpoolFull, _) => replies.SpoolFull,
        (ReceptionProblem.SpoolUnhealthy, _) => replies.SpoolUnhealthy,
        (ReceptionProblem.Stopping, _) => replies.ShuttingDown,
        (ReceptionProblem.TableUnavailable, _) => CleanupEnd.Unavailable,
        (ReceptionProblem.TooBig, _) => replies.MessageTooBigAtEnd,
        (ReceptionProblem.HeaderTooBig, _) => replies.HeaderTooBig,
        (ReceptionProblem.Loop, _) => replies.Loop,
        (ReceptionProblem.BrokenHeader, _) => replies.BrokenHeader,
        (_, DataProblem.Nul) => replies.NulInMessage,
        (_, DataProblem.LineTooLong) => replies.TextLineTooLong,
        (_, DataProblem.BareLineFeed or DataProblem.BareCarriageReturn) => replies.BareLineEnd,
        _ => null,
    };

    private static Envelope EnvelopeOf(SmtpSession session, MessageReception message)
    {
        Transaction transaction = session.Transaction!;
        MailParameters parameters = transaction.Parameters;
        return new Envelope
        {
            Id = message.Id,
            Received = session.Parts.Clock.GetUtcNow(),
            ReversePath = transaction.ReversePath,
            Recipients = [.. transaction.Recipients],
            Client = session.ClientInfo(),
            Size = message.Received,
            // A client that sends 8-bit text without saying so is common; the next hop must be told the truth (E23).
            Body = message.HasEightBit ? BodyType.EightBitMime : parameters.Body,
            SmtpUtf8 = parameters.SmtpUtf8,
            Return = parameters.Return,
            DsnEnvelopeId = parameters.EnvelopeId,
            Junk = session.State.Junk || transaction.Junk,
        };
    }

    private static ReadOnlyMemory<byte> TraceText(SmtpSession session, MessageId id)
    {
        Transaction transaction = session.Transaction!;
        var text = new ArrayBufferWriter<byte>(512);
        if (session.State.Junk || transaction.Junk)
            text.Write("X-Spam: Yes\r\n"u8);
        TraceFields.WriteReceived(text, session.Habits.Trace, new ReceivedTrace
        {
            Client = session.ClientInfo(),
            ByHost = session.Connection.HostName,
            Id = id,
            Time = session.Parts.Clock.GetLocalNow(),
            For = transaction.Given.Count == 1 ? transaction.Given[0] : null,
            MaskSource = session.Connection.Listener?.MaskSource ?? session.Services.Config.LocalSubmission.MaskSource,
            ClientCertificateAsked = session.State.Tls?.ClientAsked == true,
            ClientCertificate = session.State.Tls?.Client,
        });
        return text.WrittenMemory;
    }

    private static SubmissionHeaderOptions? Completion(SmtpSession session)
    {
        if (!session.IsSubmission)
            return null;
        Transaction transaction = session.Transaction!;
        bool from = session.Connection.IsLocal && !transaction.ReversePath.IsNull;
        return new SubmissionHeaderOptions
        {
            Spelling = session.Services.Config.Dialect == Dialect.OpenSmtpdOld ? MessageIdSpelling.MessageId : MessageIdSpelling.MessageID,
            Completions = from ? HeaderCompletions.ByServer | HeaderCompletions.From : HeaderCompletions.ByServer,
            Sender = transaction.ReversePath,
            HostName = session.Connection.HostName,
            Now = session.Parts.Clock.GetLocalNow(),
            Masquerade = session.Connection.Listener is { Masquerade: true, SendersTable: not null } && session.State.Login is not null,
        };
    }
}
