using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Smtp;
using Estafette.Spool;

namespace Estafette.Delivery.Remote;

/// <summary>How a transaction left the message.</summary>
internal enum TransactionEnd : byte
{
    /// <summary>Every recipient has its outcome.</summary>
    Finished,

    /// <summary>The peer gave us up before it could have taken responsibility: those still pending may go elsewhere at once.</summary>
    Unserved,
}

/// <summary>
/// One message over one session: MAIL, RCPT, and DATA or BDAT, in one group where the peer announced PIPELINING (RFC 2920), else step by step; the replies become
/// outcomes per recipient. A small message to a peer with CHUNKING travels with its envelope in one send and costs one round trip (RFC 3030). When the
/// connection fails before the peer answered the end of the message, nobody knows whether it was taken: it is deferred, and may come twice (E38).
/// </summary>
internal sealed class MailTransaction(RelaySession session, OutgoingMessage message, SpoolBody body, RelayTimeouts timeouts, EventSink events)
{
    private readonly SmtpConnection _connection = session.Connection;
    private readonly List<OutgoingRecipient> _accepted = new(message.Pending.Count);
    private bool _closing;
    private bool _postponed;

    /// <summary>Why those that are still pending were not served.</summary>
    public DeliveryOutcome? Reason { get; private set; }

    public async ValueTask<TransactionEnd> RunAsync(CancellationToken cancellationToken)
    {
        MessageNeeds needs = await MessageFit.CheckAsync(session, message, body, cancellationToken);
        if (needs.Refusal is DeliveryOutcome refusal)
        {
            if (!needs.OthersMayDo)
            {
                message.CompleteRest(refusal);
                return TransactionEnd.Finished;
            }
            Reason = refusal;
            return TransactionEnd.Unserved;
        }
        SpoolBody source = needs.Converted ?? body;
        using SpoolBody? converted = needs.Converted;
        do
        {
            _postponed = false;
            _accepted.Clear();
            await RoundAsync(needs, source, cancellationToken);
        }
        while (_postponed && !_closing && _connection.Failure is null && message.Pending.Count > 0);
        session.IsUsable &= !_closing && _connection.Failure is null;
        if (message.Pending.Count == 0)
            return TransactionEnd.Finished;
        Reason ??= session.Lost("sending the envelope");
        return TransactionEnd.Unserved;
    }

    /// <summary>One transaction for as many of the pending recipients as the peer takes at once.</summary>
    private async ValueTask RoundAsync(MessageNeeds needs, SpoolBody source, CancellationToken cancellationToken)
    {
        OutgoingRecipient[] batch = [.. message.Pending.Take(RelayLimits.RecipientsPerGroup)];
        _postponed = message.Pending.Count > batch.Length;
        // A notification's recipient is refused more often than others: its DATA waits for the answer.
        bool pipelining = session.Capabilities.Has(EhloKeywords.Pipelining) && !message.ReversePath.IsNull;
        bool single = pipelining && source.Length + message.Prefix.Length <= RelayLimits.SingleChunk && session.Capabilities.Has(EhloKeywords.Chunking) && !session.IsLmtp;
        if (pipelining)
            await GroupAsync(batch, needs, source, single, cancellationToken);
        else
            await StepByStepAsync(batch, needs, source.Length + message.Prefix.Length);
        if (single || _accepted.Count == 0 || _closing || _connection.Failure is not null)
            return;
        await SendBodyAsync(source, cancellationToken);
    }

    /// <summary>The whole envelope, and with <paramref name="single"/> the message too, in one send; then the replies in order.</summary>
    private async ValueTask GroupAsync(OutgoingRecipient[] batch, MessageNeeds needs, SpoolBody source, bool single, CancellationToken cancellationToken)
    {
        bool reset = WriteReset();
        long size = source.Length + message.Prefix.Length;
        WriteMail(needs, size);
        foreach (OutgoingRecipient recipient in batch)
            WriteRcpt(recipient);
        // Until the peer has taken one recipient, DATA waits: a transaction whose recipients are all refused ends with RSET, as from OpenSMTPD, not with a DATA for nobody.
        bool ahead = !single && session.HasTakenRecipient;
        if (ahead)
        {
            CommandWriter.Line(_connection.Output, "DATA");
        }
        else if (single && !await new BodyWriter(_connection, timeouts.DataBlock).AppendChunkAsync(source, message.Prefix, cancellationToken))
        {
            // Damaged in the spool: nothing of this message was sent yet.
            _connection.Output.Clear();
            session.NeedsReset = reset;
            message.CompleteRest(MessageFit.Damaged);
            return;
        }
        await _connection.FlushAsync(timeouts.DataBlock);
        if (reset && !await ResetAnsweredAsync())
            return;
        bool begun = await MailAnsweredAsync();
        foreach (OutgoingRecipient recipient in batch)
            await RcptAnsweredAsync(recipient, begun);
        if (_closing)
            return;
        session.HasTakenRecipient |= _accepted.Count > 0;
        if (single)
            await EndAnsweredAsync();
        else if (ahead)
            await DataAnsweredAsync(begun);
        else if (_accepted.Count > 0)
            await SendDataAsync();
        else
            session.NeedsReset |= begun;
        // RFC 3030 s2: after a refused chunk only RSET leads to a known state.
        session.NeedsReset |= single && _connection.Failure is null && !_connection.Reply.IsPositive;
    }

    private async ValueTask StepByStepAsync(OutgoingRecipient[] batch, MessageNeeds needs, long size)
    {
        if (WriteReset() && !(await _connection.FlushAsync(timeouts.Mail) && await ResetAnsweredAsync()))
            return;
        WriteMail(needs, size);
        await _connection.FlushAsync(timeouts.Mail);
        if (!await MailAnsweredAsync())
            return;
        foreach (OutgoingRecipient recipient in batch)
        {
            WriteRcpt(recipient);
            await _connection.FlushAsync(timeouts.Recipient);
            await RcptAnsweredAsync(recipient, begun: true);
            if (_closing)
                return;
        }
        session.NeedsReset |= _accepted.Count == 0;
        if (_accepted.Count == 0)
            return;
        await SendDataAsync();
    }

    private async ValueTask SendDataAsync()
    {
        CommandWriter.Line(_connection.Output, "DATA");
        await _connection.FlushAsync(timeouts.DataInitiation);
        await DataAnsweredAsync(begun: true);
    }

    private bool WriteReset()
    {
        bool needed = session.NeedsReset;
        session.NeedsReset = false;
        if (needed)
            CommandWriter.Line(_connection.Output, "RSET");
        return needed;
    }

    private void WriteMail(MessageNeeds needs, long size)
    {
        EhloCapabilities capabilities = session.Capabilities;
        bool dsn = capabilities.Has(EhloKeywords.Dsn);
        var parameters = new MailArguments
        {
            Size = capabilities.Has(EhloKeywords.Size) ? size : null,
            EightBitMime = needs.EightBit && capabilities.Has(EhloKeywords.EightBitMime),
            SmtpUtf8 = needs.SmtpUtf8,
            Return = dsn ? message.Envelope.Return : DsnReturn.Unspecified,
            EnvelopeId = dsn ? message.Envelope.DsnEnvelopeId : null,
        };
        // A reverse-path that cannot be written was sorted out before; only a foreign ENVID can still be wrong.
        if (!CommandWriter.TryMail(_connection.Output, message.ReversePath, parameters))
            CommandWriter.TryMail(_connection.Output, message.ReversePath, parameters with { EnvelopeId = null });
    }

    private void WriteRcpt(OutgoingRecipient recipient)
    {
        Recipient r = message.Of(recipient);
        bool dsn = session.Capabilities.Has(EhloKeywords.Dsn) && !session.IsLmtp;
        if (!CommandWriter.TryRcpt(_connection.Output, recipient.Path, dsn ? r.Notify : DsnNotify.Unspecified, dsn ? r.DsnOriginalRecipient : null))
            CommandWriter.TryRcpt(_connection.Output, recipient.Path);
    }

    private async ValueTask<bool> ResetAnsweredAsync()
    {
        int code = await _connection.ReadReplyAsync(timeouts.Mail);
        if (code is >= 200 and < 300)
            return true;
        // A server that refuses RSET is beyond help; another connection may do.
        Broken(code, "resetting");
        return false;
    }

    /// <summary>True when the transaction has begun.</summary>
    private async ValueTask<bool> MailAnsweredAsync()
    {
        int code = await _connection.ReadReplyAsync(timeouts.Mail);
        if (code is >= 200 and < 300)
            return true;
        if (code is 0 or 421)
            Broken(code, "sending MAIL FROM");
        else
            message.CompleteRest(session.OutcomeOfReply(OutcomeScope.Message).InReplyTo("MAIL FROM"));
        return false;
    }

    private async ValueTask RcptAnsweredAsync(OutgoingRecipient recipient, bool begun)
    {
        if (_closing)
            return;
        int code = await _connection.ReadReplyAsync(timeouts.Recipient);
        if (code is 0 or 421)
        {
            Broken(code, "sending RCPT TO");
            return;
        }
        if (!begun)
            return;
        if (code is >= 200 and < 300)
            _accepted.Add(recipient);
        else if (_accepted.Count > 0 && IsTooMany(code))
            _postponed = true;
        else
            message.Complete(recipient, session.OutcomeOfReply(OutcomeScope.Recipient).InReplyTo("RCPT TO"));
    }

    /// <summary>RFC 5321 s4.5.3.1.10: the rest goes in a transaction of its own; old servers say 552 for it.</summary>
    private bool IsTooMany(int code) => code is 452 or 552 && _connection.Reply.Status is { Subject: 5, Detail: 3 };

    private async ValueTask DataAnsweredAsync(bool begun)
    {
        int code = await _connection.ReadReplyAsync(timeouts.DataInitiation);
        if (code == 354)
        {
            if (_accepted.Count == 0)
                await AbandonDataAsync(begun);
            return;
        }
        if (code is 0 or 421)
        {
            Broken(code, "sending DATA");
        }
        else
        {
            session.NeedsReset = true;
            RefuseAccepted();
        }
        _accepted.Clear();
    }

    /// <summary>RFC 2920 s3.1: DATA was taken although nobody is to have the message; it is ended at once.</summary>
    private async ValueTask AbandonDataAsync(bool begun)
    {
        if (!begun)
        {
            // MAIL refused and DATA taken makes no sense: an empty message might go out to someone.
            _closing = true;
            return;
        }
        CommandWriter.Line(_connection.Output, ".");
        await _connection.FlushAsync(timeouts.DataBlock);
        if (await _connection.ReadReplyAsync(timeouts.DataTermination) is 0 or 421)
            _closing = true;
    }

    private async ValueTask SendBodyAsync(SpoolBody source, CancellationToken cancellationToken)
    {
        switch (await new BodyWriter(_connection, timeouts.DataBlock).SendAsync(source, message.Prefix, cancellationToken))
        {
            case BodyEnd.Sent:
                await EndAnsweredAsync();
                break;
            case BodyEnd.Damaged:
                // The dot was never sent, so the peer has nothing; only closing tells it so.
                _closing = true;
                CompleteAccepted(MessageFit.Damaged);
                break;
            default:
                await InterruptedAsync();
                break;
        }
    }

    /// <summary>The connection failed while the message was sent: a refusal that arrived before explains it better than "lost connection".</summary>
    private async ValueTask InterruptedAsync()
    {
        int code = await _connection.ReadReplyAsync(timeouts.Quit);
        if (code is > 400 and not 421)
            CompleteAccepted(session.OutcomeOfReply(OutcomeScope.Message).InReplyTo("end of DATA"));
        else
            Reason = code == 421 ? PeerOutcome.Of(_connection.Reply, session.EndPoint, OutcomeScope.NextHop) : session.Lost("sending the message");
        _closing = true;
    }

    /// <summary>The answer to the final dot, one for each accepted recipient in LMTP (RFC 2033 s4.2), or to the last chunk.</summary>
    private async ValueTask EndAnsweredAsync()
    {
        OutgoingRecipient[] waiting = [.. _accepted];
        for (int i = 0; i < (session.IsLmtp ? waiting.Length : 1); i++)
        {
            int code = await _connection.ReadReplyAsync(timeouts.DataTermination);
            if (code == 0)
            {
                Unknown();
                return;
            }
            _closing |= code == 421;
            // The chunk of a message that nobody took was refused, as it should.
            if (waiting.Length == 0)
                return;
            if (session.IsLmtp)
                Complete(waiting[i], session.OutcomeOfReply(OutcomeScope.Recipient).InReplyTo("end of DATA"));
            else
                CompleteAccepted(session.OutcomeOfReply(OutcomeScope.Message).InReplyTo("end of DATA"));
        }
        session.Messages++;
    }

    /// <summary>Neither taken nor refused: at least once means once more.</summary>
    private void Unknown()
    {
        _closing = true;
        DeliveryOutcome outcome = session.Lost("waiting for the answer to the end of the message; it may have been delivered and come twice") with { Scope = OutcomeScope.Message };
        if (_accepted.Count > 0)
            events.Trace("mta", $"{message.Envelope.Id}: {outcome.Text}");
        CompleteAccepted(outcome);
    }

    private void Broken(int code, string when)
    {
        _closing = true;
        Reason = code == 0 ? session.Lost(when) : PeerOutcome.Of(_connection.Reply, session.EndPoint, OutcomeScope.NextHop, permanent: false);
    }

    private void RefuseAccepted() => CompleteAccepted(session.OutcomeOfReply(OutcomeScope.Message).InReplyTo("DATA"));

    private void CompleteAccepted(DeliveryOutcome outcome)
    {
        foreach (OutgoingRecipient recipient in _accepted)
            message.Complete(recipient, outcome);
        _accepted.Clear();
    }

    private void Complete(OutgoingRecipient recipient, DeliveryOutcome outcome)
    {
        _accepted.Remove(recipient);
        message.Complete(recipient, outcome);
    }
}
