using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Verbs;

/// <summary>RFC 5321 s4.1.1.5.</summary>
internal sealed class RsetHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Rset;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        if (command.HasArgument)
            return session.Replies.NoArguments;
        return session.Habits.RsetNeedsHello && session.State.Helo.Length == 0 ? session.Replies.NotAllowedNow : null;
    }

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Rset, session.Subject(), cancellationToken);
        if (refusal is not null)
            return refusal.Value;
        await session.EndTransactionAsync();
        return session.Replies.Reset;
    }
}

/// <summary>RFC 5321 s4.1.1.9.</summary>
internal sealed class NoopHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Noop;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) =>
        session.Habits.BareNoop && command.HasArgument ? session.Replies.NoArguments : null;

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Noop, session.Subject(), cancellationToken);
        return refusal ?? session.Replies.Ok;
    }
}

/// <summary>RFC 5321 s4.1.1.10.</summary>
internal sealed class QuitHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Quit;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => command.HasArgument ? session.Replies.NoArguments : null;

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Quit, session.Subject(), cancellationToken);
        return refusal ?? session.Replies.Bye;
    }
}

/// <summary>RFC 5321 s4.1.1.8.</summary>
internal sealed class HelpHandler : CommandHandler
{
    public override SmtpVerb Verb => SmtpVerb.Help;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => null;

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        (CommandResult? refusal, _) = await session.AskPolicyAsync(FilterPhase.Help, session.Subject(), cancellationToken);
        return refusal ?? session.Replies.Help();
    }
}

/// <summary>VRFY and EXPN (RFC 5321 s4.1.1.6, s4.1.1.7): where a dialect knows VRFY it tells nothing; lists are never shown.</summary>
internal sealed class VrfyHandler(SmtpVerb verb) : CommandHandler
{
    public override SmtpVerb Verb => verb;
    public override bool IsJunk => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command)
    {
        if (!session.Habits.KnowsVrfy)
            return session.Replies.Unrecognized;
        return command.HasArgument ? null : session.Replies.NoParameters;
    }

    public override ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken) =>
        ValueTask.FromResult<CommandResult>(verb == SmtpVerb.Vrfy ? session.Replies.CannotVerify : session.Replies.NotImplemented);
}
