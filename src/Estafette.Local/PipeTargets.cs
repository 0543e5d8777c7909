using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The command of pipe(8): its words stand in the compiled actions, values from mail replace their macros word by word and never meet a shell. A word that names a recipient comes once for
/// each of them.
/// </summary>
internal static class PipeTargets
{
    private static readonly string[] OfRecipient = ["recipient", "user", "mailbox", "extension", "domain", "original_recipient"];

    private static readonly string[] OfMessage =
    [
        "sender", "nexthop", "queue_id", "size", "envid", "client_address", "client_helo", "client_hostname", "client_port", "client_protocol", "sasl_method", "sasl_sender", "sasl_username",
    ];

    /// <summary>Values that a stranger or a local user may begin with a dash: addresses are looked at where they are taken (<c>allow_min_user</c>), these are not.</summary>
    private static readonly string[] MayBeOptions = ["extension", "sender", "envid", "client_helo", "sasl_username", "sasl_sender"];

    public static Delivery Open(LocalUser user, LocalAction action, string sender, IReadOnlyList<LocalEnvelope> recipients, DateTimeOffset now)
    {
        PipeRules rules = action.Pipe!;
        if (action.RunAs != user.Name)
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"this process serves {user.Name}, not the user of \"{action.Name}\""));
        var words = new List<string>(rules.Arguments.Length);
        foreach (string template in rules.Arguments)
        {
            if (!TryExpand(template, recipients, words, out string problem))
                return new SwallowedDelivery(LocalReply.Defer(3, 5, $"\"{action.Name}\": {problem}"));
        }
        if (words.Count == 0 || !words[0].StartsWith('/'))
            return new SwallowedDelivery(LocalReply.Defer(3, 5, $"\"{action.Name}\": its command is no absolute path"));
        var command = new LocalCommand(words[0], words, ["PATH=/usr/bin:/bin", .. rules.Environment])
        {
            Text = words[0],
            LimitMilliseconds = rules.Milliseconds,
            Folder = rules.Folder.Length > 0 ? rules.Folder : "/",
            IsPostfix = true,
        };
        var piped = new PipedDelivery(new CommandDelivery(command), rules);
        // Not part of the message, whose own lines of this form are quoted.
        if (rules.FromLine)
            piped.Write(MboxDelivery.FromLine(sender, now, MailboxStyle.Postfix, afterPartialLine: false));
        return piped;
    }

    internal static bool TryExpand(string template, IReadOnlyList<LocalEnvelope> recipients, List<string> words, out string problem)
    {
        problem = "";
        IReadOnlySet<string> names = MacroText.NamesIn(template);
        bool each = names.Any(OfRecipient.Contains), isOpen = template.StartsWith('$') && names.Any(MayBeOptions.Contains);
        foreach (LocalEnvelope envelope in each ? recipients : recipients.Take(1))
        {
            MacroText.Expansion word = MacroText.Expand(template, name => OfRecipient.Contains(name) || OfMessage.Contains(name) ? Clean(envelope.Values.GetValueOrDefault(name, "")) : null);
            if (word.Error is not null)
            {
                problem = $"{word.Error} in the argument {template}";
                return false;
            }
            if (isOpen && word.Text.StartsWith('-'))
            {
                problem = $"the value {word.Text} of the argument {template} would be taken for an option";
                return false;
            }
            words.Add(word.Text);
        }
        return true;
    }

    /// <summary>A zero octet would end the word.</summary>
    private static string Clean(string value) => value.Replace('\0', '_');
}

/// <summary>Changes the message on its way to a command as the flags of pipe(8) say: dots, "From " lines, other line ends, an empty line at the end.</summary>
internal sealed class PipedDelivery(Delivery command, PipeRules rules) : Delivery
{
    private readonly byte[] _lineEnd = System.Text.Encoding.UTF8.GetBytes(rules.LineEnd);
    private bool _atLineStart = true;

    public override bool QuoteFrom => rules.QuoteFrom;

    public override void Write(ReadOnlySpan<byte> text)
    {
        bool plain = !rules.DotStuff && _lineEnd is [(byte)'\n'];
        if (plain)
        {
            command.Write(text);
            return;
        }
        while (!text.IsEmpty)
        {
            if (_atLineStart && rules.DotStuff && text[0] == (byte)'.')
                command.Write("."u8);
            int end = text.IndexOf((byte)'\n');
            command.Write(end < 0 ? text : text[..end]);
            if (end >= 0)
                command.Write(_lineEnd);
            _atLineStart = end >= 0;
            text = end < 0 ? default : text[(end + 1)..];
        }
    }

    public override LocalReply? End(bool atLineStart)
    {
        if (!atLineStart)
            command.Write(_lineEnd);
        if (rules.BlankLine)
            command.Write(_lineEnd);
        return command.End(atLineStart: true);
    }

    public override void Abort() => command.Abort();
}
