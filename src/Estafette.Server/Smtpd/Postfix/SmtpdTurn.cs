using System.Text;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Smtpd.Verbs;
using Estafette.Tables;

namespace Estafette.Smtpd.Postfix;

/// <summary>One command of a session of smtpd(8), up to its handler: what is forbidden, what only looks like a command, what must wait for TLS, what counts as junk; and the slowness that errors earn.</summary>
internal static class SmtpdTurn
{
    /// <summary>The refusal of a client at its connection; null where it is greeted.</summary>
    public static async ValueTask<CommandResult?> GreetAsync(SmtpSession session, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        if (session.Connection.IsLocal)
            return null;
        if (!await ClientEvents.EnterAsync(session, cancellationToken) || !await ClientEvents.TakeAsync(session, ClientEvent.Connection, cancellationToken))
            return ((PostfixReplies)session.Replies).TooManyConnections(session.Connection.Remote!.Address.ToString());
        if (smtpd.Restrictions is not { } restrictions || RestrictionResult.Take(session, await restrictions.AtConnectAsync(smtpd.Facts(session), smtpd.Memory, cancellationToken), "CONNECT") is not { } refused)
            return null;
        smtpd.AccessDenied = true;
        session.Counts.Errors++;
        return refused;
    }

    public static async ValueTask<(CommandResult Result, string? Reason)> TakeAsync(SmtpSession session, LineRead read, CancellationToken cancellationToken)
    {
        var words = (PostfixReplies)session.Replies;
        SmtpdSession smtpd = session.Smtpd!;
        if (read.End == WaitEnd.TooLong)
        {
            session.Counts.Commands.Said(SmtpVerb.Unknown);
            return (words.LineTooLong, null);
        }
        ReadOnlyMemory<byte> line = await FilteredAsync(session, read.Line, cancellationToken);
        SmtpCommand command = CommandParser.Parse(line);
        session.Counts.Commands.Said(command.Verb);
        if (CommandParser.HasControls(line.Span) || line.Span.Trim(" \t"u8).IsEmpty)
            return (words.BadSyntax, null);
        line = line[line.Span.IndexOfAnyExcept((byte)' ', (byte)'\t')..];
        string word = Encoding.ASCII.GetString(line.Span[..(line.Span.IndexOfAny((byte)' ', (byte)'\t') is var end and >= 0 ? end : line.Length)]);
        if (smtpd.Config.Dialog.NoopCommands.Contains(word))
        {
            CountJunk(session);
            return (words.Ok, null);
        }
        if (CommandTable.Find(command.Verb, ReplyStyle.Postfix) is not SmtpdHandler handler)
        {
            if (!await IsForbiddenAsync(session, word, cancellationToken))
                return (words.Unrecognized, null);
            session.Abuse("another protocol's request", CommandText.ForLog(line, session.Counts.SaidAuth));
            return (words.ForeignProtocol, "foreign-protocol");
        }
        if (smtpd.AccessDenied && handler.Verb != SmtpVerb.Quit)
            return (words.AccessDenied(SmtpdSession.NamedAddress(session)), null);
        if (session.Connection.Listener?.Tls == ListenerTls.Require && session.State.Tls is null && !handler.IsAllowedInClear)
            return (words.NeedsTls, null);
        if (TalksTooEarly(session, handler) && smtpd.Config.Dialog.ForbidsEarlyTalk)
            return (words.EarlyTalk, null);
        if (handler.IsJunk)
            CountJunk(session);
        if (session.Parts.Events.Traces("smtp"))
            session.Parts.Events.Trace("smtp", $"smtp: {session.Connection.SessionId:x16} <<< {CommandText.ForLog(line, session.Counts.SaidAuth)}");
        if (handler.Check(session, command) is { } wrong)
            return (wrong, null);
        return (await handler.ActAsync(session, command, cancellationToken), null);
    }

    /// <summary>Beyond the soft limit of errors every answer waits.</summary>
    public static async ValueTask SlowDownAsync(SmtpSession session, SmtpdSession smtpd, CancellationToken cancellationToken)
    {
        SmtpdLimits limits = smtpd.Config.Limits;
        if (session.Counts.Errors <= limits.SoftErrors || limits.ErrorSleep <= TimeSpan.Zero || session.Connection.IsLocal)
            return;
        await session.Transport.FlushAsync();
        await Task.Delay(limits.ErrorSleep, session.Parts.Clock, cancellationToken);
    }

    /// <summary>Junk beyond its limit counts as an error, command by command.</summary>
    private static void CountJunk(SmtpSession session)
    {
        if (++session.Counts.JunkCommands > session.Limits.JunkCommands)
            session.Counts.Errors++;
    }

    /// <summary>RFC 2920: nothing may come before the answer to a command that ends a group, nor before any answer where PIPELINING was not announced.</summary>
    private static bool TalksTooEarly(SmtpSession session, SmtpdHandler handler)
    {
        SmtpdSession smtpd = session.Smtpd!;
        if (session.Connection.IsLocal || handler.Verb == SmtpVerb.Quit || !(handler.EndsGroup || !session.State.Esmtp) || !session.Transport.HasBufferedInput())
            return false;
        // Once a session: spam programs do it, and fail2ban counts the line.
        if (!smtpd.SpokeTooEarly)
            session.Abuse(Events.ProtocolAbuse.Pipelining, session.Counts.Commands.Stage);
        smtpd.SpokeTooEarly = true;
        return true;
    }

    /// <summary>A forbidden word, a line of a header, or what does not begin as a command can: another protocol's client.</summary>
    private static async ValueTask<bool> IsForbiddenAsync(SmtpSession session, string word, CancellationToken cancellationToken)
    {
        SmtpdDialog dialog = session.Smtpd!.Config.Dialog;
        if ((dialog.ForbidsOddCommands && !char.IsAsciiLetter(word[0])) || IsFieldName(word))
            return true;
        return (await session.Services.Tables.MatchTextAsync(dialog.ForbiddenCommands, word, cancellationToken)).IsMatch;
    }

    private static bool IsFieldName(string word) => word.Length > 1 && word[^1] == ':' && !word.AsSpan(0, word.Length - 1).ContainsAnyExceptInRange('!', '~') && word.IndexOf(':', StringComparison.Ordinal) == word.Length - 1;

    /// <summary>What <c>smtpd_command_filter</c> makes of a line; a table that cannot be read makes nothing of it.</summary>
    private static async ValueTask<ReadOnlyMemory<byte>> FilteredAsync(SmtpSession session, ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        if (session.Smtpd!.Config.Dialog.CommandFilter is not { IsEmpty: false } filter)
            return line;
        return await session.Services.Tables.FindAsync(filter, Encoding.UTF8.GetString(line.Span), cancellationToken) is TableAnswer.Found found ? Encoding.UTF8.GetBytes(found.Value) : line;
    }
}
