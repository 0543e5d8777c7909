using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Smtpd.Cleanup;

/// <summary>What becomes of a field or line after its check.</summary>
/// <param name="Keeps">False: it goes.</param>
/// <param name="Replacement">Stands in its place; null for none.</param>
/// <param name="Before">A line or field that goes in front of it; null for none.</param>
internal readonly record struct CheckResult(bool Keeps, byte[]? Replacement = null, byte[]? Before = null)
{
    public static CheckResult Kept { get; } = new(true);
}

/// <summary>
/// header_checks(5) and body_checks(5): looks a logical header or a line of the body up and does what its row says. A table that cannot be asked, or whose patterns take too long, makes
/// the message be refused for now (E44); a row that makes no sense is told to the operator and has no effect.
/// </summary>
internal sealed class ContentChecks(CleanupConfig config, CleanupSubject subject, CleanupFindings findings, TableSet tables, EventSink events)
{
    private const int LoggedContent = 200;

    /// <summary>False once an action has decided about the whole message: nothing is checked any more.</summary>
    public bool IsActive { get; private set; } = true;

    /// <summary>The tables for a field at a place, and their parameter's name.</summary>
    public (ImmutableArray<string> Maps, string Name) MapsAt(ContentPlace place) => place switch
    {
        ContentPlace.Primary => (config.HeaderChecks, "header_checks"),
        ContentPlace.Multipart => (config.MimeHeaderChecks, "mime_header_checks"),
        ContentPlace.Nested => (config.NestedHeaderChecks, "nested_header_checks"),
        _ => (config.BodyChecks, "body_checks"),
    };

    public async ValueTask<CheckResult> CheckAsync(ContentPlace place, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        (ImmutableArray<string> maps, string name) = MapsAt(place);
        if (!IsActive || maps.IsEmpty)
            return CheckResult.Kept;
        bool isText = System.Text.Unicode.Utf8.IsValid(content.Span);
        Encoding encoding = isText ? Encoding.UTF8 : Encoding.Latin1;
        string key = encoding.GetString(content.Span);
        // Patterns see octets: one that takes half a character must not stop the message.
        switch (await tables.FindAsync(maps, isText ? Encoding.Latin1.GetString(content.Span) : key, MapUse.Octets, cancellationToken))
        {
            case TableAnswer.Found found:
                string value = encoding.GetString(Encoding.Latin1.GetBytes(found.Value));
                return Act(CheckAction.Parse(value), new Context(place == ContentPlace.Body ? "body" : "header", name, key, value, encoding));
            case TableAnswer.Unavailable unavailable:
                Warn($"{subject.Id}: {name} map lookup problem -- message not accepted, try again later: {unavailable.Reason}");
                findings.Fail(CleanupTrouble.Unavailable);
                return CheckResult.Kept;
            default:
                return CheckResult.Kept;
        }
    }

    /// <summary>A character of <c>message_reject_characters</c> stands in the message.</summary>
    public void RefuseOctets(ReadOnlySpan<byte> text) =>
        Act(new CheckAction(CheckVerb.Reject, "disallowed character"), new Context("content", "character reject", Encoding.Latin1.GetString(text), "", Encoding.Latin1));

    /// <summary>Tells of a broken structure; the refusal comes at the end of the message.</summary>
    public void NoteStructure(string problem, ReadOnlySpan<byte> text) =>
        Publish("reject", "mime-error " + problem + ":", Encoding.Latin1.GetString(text[..Math.Min(text.Length, LoggedContent / 2)]), "");

    private CheckResult Act(CheckAction action, in Context context)
    {
        string text = action.Text;
        switch (action.Verb)
        {
            case CheckVerb.Reject:
                Reject(text, context);
                break;
            case CheckVerb.Warn:
                Log("warning", context, text);
                break;
            case CheckVerb.Info:
                Log("info", context, text);
                break;
            case CheckVerb.Pass:
                Log("pass", context, text);
                IsActive = false;
                break;
            case CheckVerb.Discard:
                Log("discard", context, text);
                findings.Discard = true;
                IsActive = false;
                break;
            case CheckVerb.Hold when !findings.Hold && !findings.Discard:
                Log("hold", context, text);
                findings.Hold = true;
                break;
            case CheckVerb.Strip:
                Log("strip", context, text);
                return new CheckResult(false);
            case CheckVerb.Ignore:
                return new CheckResult(false);
            case CheckVerb.Filter or CheckVerb.Redirect or CheckVerb.Bcc:
                Route(action.Verb, text, context);
                break;
            case CheckVerb.Prepend or CheckVerb.Replace:
                return Change(action.Verb, text, context);
            case CheckVerb.Unknown or CheckVerb.Delay:
                Warn($"unknown command in {context.Map} map: {context.Value}");
                break;
        }
        return CheckResult.Kept;
    }

    private void Reject(string text, in Context context)
    {
        string reason = text.Length == 0 ? "5.7.1 message content rejected" : WithStatus(text, context.Map);
        findings.Fail(reason[0] == '4' ? CleanupTrouble.Deferred : CleanupTrouble.Content, reason);
        IsActive = false;
        Log("reject", context, reason);
    }

    /// <summary>A text that begins with a status code keeps it.</summary>
    private string WithStatus(string text, string map)
    {
        int end = text.AsSpan().IndexOfAny(' ', '\t');
        if (!EnhancedStatus.TryParse(end < 0 ? text : text.AsSpan(0, end), out EnhancedStatus status))
            return "5.7.1 " + text;
        if (status.Class is 4 or 5)
            return text;
        Warn($"bad DSN action in {text} of {map} -- need 4.x.x or 5.x.x");
        return "4" + text[1..];
    }

    private void Route(CheckVerb verb, string text, in Context context)
    {
        switch (verb)
        {
            case CheckVerb.Filter when text.Length == 0:
                Warn($"missing FILTER command argument in {context.Map} map");
                break;
            case CheckVerb.Filter when !text.Contains(':', StringComparison.Ordinal):
                Warn($"bad FILTER command {text} in {context.Map} -- need transport:destination");
                break;
            case CheckVerb.Filter:
                findings.Filter = text;
                Log("filter", context, text);
                break;
            case CheckVerb.Redirect when !text.Contains('@', StringComparison.Ordinal):
                Warn($"bad REDIRECT target \"{text}\" in {context.Map} map -- need user@domain");
                break;
            case CheckVerb.Redirect:
                findings.Redirect = text;
                Log("redirect", context, text);
                IsActive = false;
                break;
            case CheckVerb.Bcc when !text.Contains('@', StringComparison.Ordinal):
                Warn($"bad BCC address \"{text}\" in {context.Map} map -- need user@domain");
                break;
            default:
                findings.Copies.Add(text);
                Log("bcc", context, text);
                break;
        }
    }

    private CheckResult Change(CheckVerb verb, string text, in Context context)
    {
        string word = verb == CheckVerb.Prepend ? "PREPEND" : "REPLACE";
        // A row cannot hold a line end, but a captured part of a folded header can.
        byte[] octets = context.Encoding.GetBytes(text);
        if (text.Length == 0)
            Warn($"{word} action without text in {context.Map} map");
        else if (context.Kind == "header" && FieldTable.NameLength(octets) == 0)
            Warn($"bad {word} header text \"{text}\" in {context.Map} map -- need \"headername: headervalue\"");
        else
        {
            Log(verb == CheckVerb.Prepend ? "prepend" : "replace", context, text);
            return verb == CheckVerb.Prepend ? new CheckResult(true, null, octets) : new CheckResult(true, octets);
        }
        return CheckResult.Kept;
    }

    private void Log(string action, in Context context, string text) =>
        Publish(action, context.Kind, context.Content.Length > LoggedContent ? context.Content[..LoggedContent] : context.Content, text);

    /// <summary>A folded field is told on one line, with a mark for each character that is none of text, as the original does.</summary>
    private static string OnOneLine(string content) => content.Any(char.IsControl) ? string.Concat(content.Select(c => char.IsControl(c) ? '?' : c)) : content;

    private void Publish(string action, string kind, string content, string text) => events.Publish(new ContentNoted(subject.Id, action, kind, OnOneLine(content))
    {
        At = events.Now,
        Origin = subject.Origin,
        Sender = subject.Sender,
        Recipient = subject.FirstRecipient,
        Protocol = subject.Protocol,
        Helo = subject.Helo,
        Text = text,
    });

    private void Warn(string text) => events.Publish(new OperatorWarning("cleanup", text) { At = events.Now });

    /// <param name="Kind"><c>header</c>, <c>body</c> or <c>content</c>.</param>
    /// <param name="Map">The parameter whose tables were asked.</param>
    /// <param name="Value">The row's.</param>
    private readonly record struct Context(string Kind, string Map, string Content, string Value, Encoding Encoding);
}
