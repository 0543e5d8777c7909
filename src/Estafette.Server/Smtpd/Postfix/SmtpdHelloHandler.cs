using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Smtpd.Auth;
using Estafette.Tables;

namespace Estafette.Smtpd.Postfix;

/// <summary>HELO and EHLO. Any text is a name; what it is worth is for the restrictions.</summary>
internal sealed class SmtpdHelloHandler(SmtpVerb verb) : SmtpdHandler
{
    private const int LongestName = 512;

    public override SmtpVerb Verb => verb;
    public override bool IsJunk => true;
    public override bool IsAllowedInClear => true;
    public override bool EndsGroup => true;

    public override Reply? Check(SmtpSession session, SmtpCommand command) => command.HasArgument ? null : PostfixReplies.HelloSyntax(verb == SmtpVerb.Helo ? "HELO" : "EHLO");

    public override async ValueTask<CommandResult> ActAsync(SmtpSession session, SmtpCommand command, CancellationToken cancellationToken)
    {
        SmtpdSession smtpd = session.Smtpd!;
        string helo = Harmless(command.Argument.Span);
        if (smtpd.Restrictions is { } restrictions
            && Take(session, await restrictions.AtHelloAsync(smtpd.Facts(session) with { Helo = helo }, smtpd.Memory, cancellationToken), verb == SmtpVerb.Helo ? "HELO" : "EHLO") is { } refused)
            return refused;
        await session.EndTransactionAsync();
        session.State.Helo = helo;
        session.State.Esmtp = verb == SmtpVerb.Ehlo;
        if (verb == SmtpVerb.Helo)
            return Words(session).Hello([]);
        smtpd.Discarded = await DiscardedAsync(session, smtpd.Config.Dialog, cancellationToken);
        return Words(session).Hello(Keywords(session, smtpd, await MechanismsAsync(session, cancellationToken)));
    }

    /// <summary>The name stands in logs, in Received and in replies: what could be read as something else there becomes a question mark.</summary>
    private static string Harmless(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(name[..Math.Min(name.Length, LongestName)]));
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is ' ' or '\t' or '<' or '>' or '(' or ')' or '\\' or '"' or ';' or '@' or < ' ' or '\u007f')
                text[i] = '?';
        }
        return text.ToString();
    }

    /// <summary>A table that cannot be asked discards nothing that the list does not.</summary>
    private static async ValueTask<FrozenSet<string>> DiscardedAsync(SmtpSession session, SmtpdDialog dialog, CancellationToken cancellationToken)
    {
        if (dialog.DiscardedKeywordMaps.IsEmpty || session.Connection.Remote is not { } remote)
            return dialog.DiscardedKeywords;
        return await session.Services.Tables.FindAsync(dialog.DiscardedKeywordMaps, remote.Address.ToString(), cancellationToken) is TableAnswer.Found found
            ? found.Value.Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.OrdinalIgnoreCase)
            : dialog.DiscardedKeywords;
    }

    private static async ValueTask<ImmutableArray<string>> MechanismsAsync(SmtpSession session, CancellationToken cancellationToken) =>
        session.State.Login is null && await SmtpdAuthHandler.IsOfferedAsync(session, cancellationToken) ? await SmtpdAuthHandler.MechanismsAsync(session, cancellationToken) : [];

    private static string[] Keywords(SmtpSession session, SmtpdSession smtpd, ImmutableArray<string> mechanisms)
    {
        SmtpdConfig config = smtpd.Config;
        var words = new List<string>(12);
        void Announce(string keyword, bool announced = true, string value = "")
        {
            if (announced && !smtpd.Discarded.Contains(keyword))
                words.Add(keyword + value);
        }
        Announce("PIPELINING");
        Announce("SIZE", value: config.Limits.MessageSize > 0 ? string.Create(CultureInfo.InvariantCulture, $" {session.Limits.MessageSize}") : "");
        Announce("VRFY", !config.Dialog.VrfyDisabled);
        Announce("ETRN");
        Announce("STARTTLS", session.OffersTls && session.State.Tls is null);
        Announce("AUTH", !mechanisms.IsEmpty, " " + string.Join(' ', mechanisms));
        if (config.Logins.BrokenClients)
            Announce("AUTH", !mechanisms.IsEmpty, "=" + string.Join(' ', mechanisms));
        Announce("ENHANCEDSTATUSCODES");
        Announce("8BITMIME");
        Announce("DSN");
        Announce("SMTPUTF8", config.Dialog.SmtpUtf8);
        Announce("CHUNKING");
        return [.. words];
    }
}
