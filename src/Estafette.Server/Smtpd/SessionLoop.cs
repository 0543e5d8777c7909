using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtp;
using Estafette.Smtpd.Postfix;
using Estafette.Smtpd.Verbs;

namespace Estafette.Smtpd;

/// <summary>
/// Runs one session from the greeting to its end: reads a command, lets its handler check and act, sends the reply, counts errors and junk. Returns the reason the
/// session ended with, for the log; it throws only what the connection throws when the client is gone.
/// </summary>
internal static class SessionLoop
{
    public static async Task<string> RunAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        if (session.Connection.Listener is { Tls: ListenerTls.Implicit } listener && TellEarly(session) && !await StartTlsHandler.StartAsync(session, listener, cancellationToken))
            return "tls-failed";
        session.TellOpened();
        if (await GreetAsync(session, cancellationToken) is { } refused)
            return await EndAsync(session, refused, "refused");
        while (true)
        {
            LineRead read = await session.Transport.ReadLineAsync(session.Limits.CommandLine, session.Limits.CommandTimeout, command: true);
            if (read.End is not WaitEnd.None and not WaitEnd.TooLong)
                return await EndAsync(session, ReplyTo(session, read.End), ReasonOf(read.End));
            string text = read.End == WaitEnd.None ? CommandText.ForLog(read.Line, session.Counts.SaidAuth) : "";
            session.Counts.SaidAuth |= CommandText.IsLogin(read.Line.Span);
            (CommandResult result, string? reason) = session.Smtpd is null ? await TakeAsync(session, read, cancellationToken) : await SmtpdTurn.TakeAsync(session, read, cancellationToken);
            if (result.Reply is { IsRefusal: true } refusal)
            {
                PublishRefusal(session, text, refusal, result.Rule);
                bool counts = !refusal.IsOwnTrouble && !result.IsForgiven;
                if (counts && ++session.Counts.Errors >= session.Limits.Errors && !refusal.Closes && session.Smtpd is null)
                    (result, reason) = (session.Replies.TooManyErrors, "too-many-errors");
            }
            else if (!result.Ends && reason is null)
            {
                session.Counts.Commands.Succeeded();
            }
            if (result.Ends)
                return "disconnect";
            if (session.Smtpd is { } smtpd)
                await SmtpdTurn.SlowDownAsync(session, smtpd, cancellationToken);
            if (result.Reply is { } reply)
            {
                session.Transport.Send(reply);
                if (reply.Closes)
                    return await EndAsync(session, default, reason ?? (reply.Code == 221 ? "quit" : session.Counts.Commands.BrokenBy is WaitEnd.None ? "refused" : ReasonOf(session.Counts.Commands.BrokenBy)));
            }
            if (session.Smtpd is not null && session.Counts.Errors >= session.Limits.Errors)
                return await EndAsync(session, session.Replies.TooManyErrors, "too-many-errors");
        }
    }

    /// <summary>Postfix tells of a connection before its handshake, and tools that ban scanners count its end.</summary>
    private static bool TellEarly(SmtpSession session)
    {
        if (session.Services.Config.Dialect == Dialect.Postfix)
            session.TellOpened();
        return true;
    }

    /// <summary>The answer to a wait that came to nothing.</summary>
    public static CommandResult ReplyTo(SmtpSession session, WaitEnd end) => end switch
    {
        WaitEnd.Timeout => session.Replies.Timeout,
        WaitEnd.Lifetime => session.Replies.SessionTooLong,
        WaitEnd.Stopping => session.Replies.ShuttingDown,
        _ => CommandResult.Lost,
    };

    private static string ReasonOf(WaitEnd end) => end switch
    {
        WaitEnd.Timeout => "timeout",
        WaitEnd.Lifetime => "session-too-long",
        WaitEnd.Stopping => "shutdown",
        _ => "disconnect",
    };

    /// <summary>The result where the client is hung up on at once. A refusal that does not hang up leaves a session without a greeting.</summary>
    private static async ValueTask<CommandResult?> GreetAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        (CommandResult? refusal, _) = session.Smtpd is null
            ? await session.AskPolicyAsync(FilterPhase.Connect, session.Subject(), cancellationToken) : (await SmtpdTurn.GreetAsync(session, cancellationToken), null);
        if (refusal is { Reply: { } reply } result)
        {
            PublishRefusal(session, "connect", reply, result.Rule);
            if (reply.Closes)
                return result;
            session.Transport.Send(reply);
            return null;
        }
        // RFC 5321 s3.1: the server speaks first (E7).
        if (!session.Connection.IsLocal && session.Transport.HasBufferedInput())
            session.Abuse("talked before the greeting");
        session.Greeted = true;
        session.Transport.Send(session.Replies.Greeting);
        return null;
    }

    private static async ValueTask<(CommandResult Result, string? Reason)> TakeAsync(SmtpSession session, LineRead read, CancellationToken cancellationToken)
    {
        SmtpCommand command = read.End == WaitEnd.TooLong ? default : CommandParser.Parse(read.Line);
        session.Counts.Commands.Said(command.Verb);
        if (read.End == WaitEnd.TooLong)
            return (session.Replies.LineTooLong, null);
        if (CommandParser.HasControls(read.Line.Span))
            return (session.Replies.Controls, null);
        if (command.Verb == SmtpVerb.Foreign)
        {
            session.Abuse("another protocol's request", CommandText.ForLog(read.Line, session.Counts.SaidAuth));
            return (session.Replies.ForeignProtocol, "foreign-protocol");
        }
        if (CommandTable.Find(command.Verb, session.Habits.Replies) is not { } handler)
            return (session.Replies.Unrecognized, null);
        if (handler.IsJunk && ++session.Counts.JunkCommands > session.Limits.JunkCommands)
            return (session.Replies.TooManyJunkCommands, "too-many-junk-commands");
        if (session.Parts.Events.Traces("smtp"))
            session.Parts.Events.Trace("smtp", $"smtp: {session.Connection.SessionId:x16} <<< {CommandText.ForLog(read.Line, session.Counts.SaidAuth)}");
        if (handler.Check(session, command) is { } wrong)
            return (wrong, null);
        return (await handler.ActAsync(session, command, cancellationToken), null);
    }

    private static async ValueTask<string> EndAsync(SmtpSession session, CommandResult last, string reason)
    {
        if (last.Ends)
            return reason;
        if (last.Reply is { } reply)
            session.Transport.Send(reply);
        // Who is refused in the middle of a message goes on sending for a while.
        await session.Transport.CloseAsync(linger: reason == "refused");
        await session.EndTlsAsync();
        return reason;
    }

    private static void PublishRefusal(SmtpSession session, string command, Reply reply, string rule) =>
        session.Parts.Events.Publish(new CommandRefused(session.Connection.SessionId, command, reply.ToString(), rule)
        {
            At = session.Parts.Events.Now,
            Service = session.Connection.Service,
            Address = session.Connection.Remote?.Address,
            HostName = session.Connection.Reverse.Name,
            Helo = session.State.Helo,
            ReversePath = session.Transaction?.ReversePath.ToString() ?? RefusedAddress(command, "MAIL"),
            Recipient = RefusedAddress(command, "RCPT"),
            Protocol = session.State.Esmtp ? "ESMTP" : "SMTP",
            Stage = session.Counts.Commands.Stage,
        });

    /// <summary>The address of a MAIL or RCPT as it was written: a log in Postfix's words has it in a place of its own.</summary>
    private static string? RefusedAddress(string command, string verb)
    {
        if (!command.StartsWith(verb, StringComparison.OrdinalIgnoreCase))
            return null;
        int start = command.IndexOf('<', StringComparison.Ordinal);
        int length = start < 0 ? -1 : command.AsSpan(start).IndexOf('>');
        return length < 0 ? null : command.Substring(start + 1, length - 1);
    }
}
