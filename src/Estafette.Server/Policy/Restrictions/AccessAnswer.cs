using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Policy.Restrictions;

/// <summary>
/// The right-hand side of an access table (access(5) "ACCEPT ACTIONS" and what follows): does what it says, and tells what must be asked next where it names restrictions.
/// An entry that means nothing is a temporary refusal: a typing error must neither open nor close the door for good.
/// </summary>
internal static class AccessAnswer
{
    private static readonly char[] s_blanks = [' ', '\t', '\r', '\n', ','];
    private static readonly EnhancedStatus s_denied = new(5, 7, 1);

    /// <param name="Outcome">The answer; meaningless where there is more to ask.</param>
    /// <param name="Next">Restrictions that the entry names.</param>
    public readonly record struct Result(Outcome Outcome, ImmutableArray<Restriction> Next);

    /// <param name="value">The entry.</param>
    /// <param name="asked">The restriction that looked it up.</param>
    public static Result Take(RestrictionRun run, string value, ReplyAbout about, Restriction asked, RestrictionStage stage)
    {
        string entry = value.Trim();
        int end = entry.IndexOfAny([' ', '\t']);
        string word = end < 0 ? entry : entry[..end];
        string text = end < 0 ? "" : entry[end..].Trim();
        RejectCodes codes = run.Config.Codes;
        switch (word.ToUpperInvariant())
        {
            case "OK" or "RELAY": return Of(Outcome.Permit);
            case "DUNNO": return Of(Outcome.Dunno);
            case "REJECT": return Of(Refuse(run, codes.AccessMapReject, text, about));
            case "DEFER": return Of(Refuse(run, codes.AccessMapDefer, text, about));
            case "DEFER_IF_PERMIT":
                (EnhancedStatus permitStatus, string permitText) = Split(text, s_denied, "Service unavailable", about);
                return Of(run.PutOffPermission(codes.AccessMapDefer, permitStatus, about.Rejected(permitText)));
            case "DEFER_IF_REJECT":
                (EnhancedStatus rejectStatus, string rejectText) = Split(text, s_denied, "Service unavailable", about);
                return Of(run.PutOffRefusal(codes.AccessMapDefer, rejectStatus, about.Rejected(rejectText)));
            case "DISCARD":
                run.Note(MessageActionKind.Discard, text.Length == 0 ? "triggers DISCARD action" : text, about);
                run.Discards = true;
                return Of(Outcome.Permit);
            case "HOLD": return Noted(run, MessageActionKind.Hold, text.Length == 0 ? "triggers HOLD action" : text, about);
            case "FILTER": return Noted(run, MessageActionKind.Filter, text, about, text.IndexOf(':', StringComparison.Ordinal) > 0);
            case "PREPEND": return Noted(run, MessageActionKind.Prepend, text, about, IsHeader(text));
            case "REDIRECT": return Noted(run, MessageActionKind.Redirect, text, about, text.IndexOf('@', StringComparison.Ordinal) > 0);
            case "BCC": return Noted(run, MessageActionKind.Bcc, text, about, text.IndexOf('@', StringComparison.Ordinal) > 0);
            case "INFO": return Noted(run, MessageActionKind.Info, text, about);
            case "WARN": return Noted(run, MessageActionKind.Warn, text, about);
        }
        if (entry.Length > 0 && entry.All(char.IsAsciiDigit))
            return Of(Outcome.Permit);
        if (word.Length == 3 && word.All(char.IsAsciiDigit))
            return Of(word[0] is '4' or '5' ? Refuse(run, int.Parse(word, CultureInfo.InvariantCulture), text, about) : run.ConfigurationFailed());
        return Restrictions(run, entry, asked, stage);
    }

    private static Result Restrictions(RestrictionRun run, string entry, Restriction asked, RestrictionStage stage)
    {
        PlacedWord[] words = [.. entry.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries).Select(w => new PlacedWord(w, asked.At))];
        var problems = new List<RestrictionProblem>();
        ImmutableArray<Restriction> next = RestrictionGrammar.Read(words, stage, run.Config.Classes.ContainsKey, problems);
        if (problems.Count > 0)
        {
            run.Note(MessageActionKind.Warn, $"{asked.Argument}: {problems[0].Text} in an access table", run.About);
            return Of(run.ConfigurationFailed());
        }
        return new Result(Outcome.Dunno, next);
    }

    /// <summary>An action on the message. One that makes no sense is told and passed over, as the original does.</summary>
    private static Result Noted(RestrictionRun run, MessageActionKind kind, string text, ReplyAbout about, bool valid = true)
    {
        if (valid)
            run.Note(kind, text, about);
        else
            run.Note(MessageActionKind.Warn, $"{kind.ToString().ToUpperInvariant()} needs another argument than \"{text}\"", about);
        return Of(Outcome.Dunno);
    }

    private static Outcome Refuse(RestrictionRun run, int code, string text, ReplyAbout about)
    {
        (EnhancedStatus status, string words) = Split(text, s_denied, "Access denied", about);
        return run.Refuse(code, status, about, words);
    }

    /// <summary>The status and the text that an entry gives, or the usual ones.</summary>
    private static (EnhancedStatus Status, string Text) Split(string text, EnhancedStatus usual, string usualText, ReplyAbout about)
    {
        int end = text.IndexOf(' ', StringComparison.Ordinal);
        string first = end < 0 ? text : text[..end];
        if (!EnhancedStatus.TryParse(first, out EnhancedStatus status))
            return (usual, text.Length == 0 ? usualText : text);
        string rest = end < 0 ? "" : text[end..].Trim();
        return (StatusFit.For(status, about.Class), rest.Length == 0 ? usualText : rest);
    }

    /// <summary>RFC 5322 s2.2: a name of printable characters, a colon.</summary>
    private static bool IsHeader(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && !text.AsSpan(0, colon).ContainsAnyExceptInRange('!', '~') && !text.AsSpan().ContainsAnyInRange('\0', '\u001f');
    }

    private static Result Of(Outcome outcome) => new(outcome, []);
}
