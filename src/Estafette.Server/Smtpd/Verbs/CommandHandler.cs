using Estafette.Smtp;
using Estafette.Smtpd.Postfix;

namespace Estafette.Smtpd.Verbs;

/// <summary>
/// One verb. <see cref="Check"/> says whether the command may be given now and is well-formed, without side effect; <see cref="ActAsync"/> does it. Handlers hold no state and
/// serve all sessions.
/// </summary>
internal abstract class CommandHandler
{
    public abstract SmtpVerb Verb { get; }

    /// <summary>Commands that bring no mail forward: too many of them end the session (E47).</summary>
    public virtual bool IsJunk => false;

    /// <summary>Null: go on.</summary>
    public abstract Reply? Check(SmtpSession session, SmtpCommand command);

    public abstract ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken);
}

/// <summary>The verbs by name. What is not in it is unknown.</summary>
internal static class CommandTable
{
    private static readonly CommandHandler[] s_handlers =
    [
        new HelloHandler(SmtpVerb.Helo), new HelloHandler(SmtpVerb.Ehlo), new MailHandler(), new RcptHandler(), new DataHandler(), new BdatHandler(),
        new RsetHandler(), new NoopHandler(), new QuitHandler(), new HelpHandler(), new VrfyHandler(SmtpVerb.Vrfy), new VrfyHandler(SmtpVerb.Expn),
        new StartTlsHandler(), new AuthHandler(),
    ];

    private static readonly CommandHandler[] s_postfix =
    [
        new SmtpdHelloHandler(SmtpVerb.Helo), new SmtpdHelloHandler(SmtpVerb.Ehlo), new SmtpdMailHandler(), new SmtpdRcptHandler(), new SmtpdDataHandler(), new SmtpdBdatHandler(),
        new SmtpdRsetHandler(), new SmtpdNoopHandler(), new SmtpdQuitHandler(), new SmtpdVrfyHandler(), new SmtpdEtrnHandler(), new SmtpdStartTlsHandler(), new SmtpdAuthHandler(),
    ];

    private static readonly CommandHandler?[] s_byVerb = ByVerb(s_handlers);
    private static readonly CommandHandler?[] s_postfixByVerb = ByVerb(s_postfix);

    public static CommandHandler? Find(SmtpVerb verb, ReplyStyle style) => (style == ReplyStyle.Postfix ? s_postfixByVerb : s_byVerb)[(int)verb];

    private static CommandHandler?[] ByVerb(CommandHandler[] handlers)
    {
        var table = new CommandHandler?[Enum.GetValues<SmtpVerb>().Length];
        foreach (CommandHandler handler in handlers)
            table[(int)handler.Verb] = handler;
        return table;
    }
}
