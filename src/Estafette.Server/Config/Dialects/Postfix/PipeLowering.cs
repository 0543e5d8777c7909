using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>The attributes of a pipe(8) service in master.cf: <c>flags=</c>, <c>user=</c>, <c>argv=</c> and the others. What the original refuses when the first message comes is told when the configuration
/// is read.</summary>
internal sealed class PipeLowering(ServiceEntry service, ParameterReader reader)
{
    private static readonly HashSet<string> Macros = new(StringComparer.Ordinal)
    {
        "recipient", "user", "mailbox", "extension", "domain", "original_recipient", "sender", "nexthop", "queue_id", "size", "envid",
        "client_address", "client_helo", "client_hostname", "client_port", "client_protocol", "sasl_method", "sasl_sender", "sasl_username",
    };

    private string _problem = "";

    public ActionConfig Lower() => Read() is { } pipe ? pipe : new ActionConfig.Refuse(ForGood: false) { Name = service.Name, At = service.At, Reason = "4.3.5 mail system configuration error: " + _problem };

    private ActionConfig.Pipe? Read()
    {
        var pipe = new ActionConfig.Pipe
        {
            Name = service.Name,
            At = service.At,
            Arguments = [],
            User = "",
            Time = reader.Time(service.Name + "_time_limit"),
            Environment = LocalLowering.Environment(reader),
            Recipients = reader.Count(service.Name + "_destination_recipient_limit"),
        };
        for (int i = 0; i < service.Arguments.Length; i++)
        {
            string word = service.Arguments[i];
            if (word.StartsWith("argv=", StringComparison.Ordinal))
            {
                pipe = pipe with { Arguments = [word[5..], .. service.Arguments.Skip(i + 1)] };
                break;
            }
            if (Attribute(word, pipe) is not { } next)
                return null;
            pipe = next;
        }
        return Checked(pipe);
    }

    private ActionConfig.Pipe? Attribute(string word, ActionConfig.Pipe pipe)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string value = equals < 0 ? "" : word[(equals + 1)..];
        switch (equals < 0 ? word : word[..equals])
        {
            case "user":
                int colon = value.IndexOf(':', StringComparison.Ordinal);
                return pipe with { User = colon < 0 ? value : value[..colon], Group = colon < 0 ? "" : value[(colon + 1)..] };
            case "flags":
                return Flags(value) is { } flags ? pipe with { Flags = flags } : null;
            case "null_sender":
                return pipe with { NullSender = value };
            case "eol":
                return pipe with { LineEnd = Unescaped(value) };
            case "directory":
                return pipe with { Folder = value };
            case "chroot":
                return Fail("chroot= is not supported", "remove it; the command runs as its own user, and sees what that one may see");
            case "size" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long size):
                return pipe with { Size = size };
            default:
                return Fail("unknown attribute name: " + word, "known are argv, directory, eol, flags, null_sender, size and user");
        }
    }

    private PipeFlags? Flags(string letters)
    {
        var flags = PipeFlags.None;
        foreach (char letter in letters)
        {
            PipeFlags? one = letter switch
            {
                'B' => PipeFlags.BlankLine,
                'D' => PipeFlags.DeliveredTo,
                'F' => PipeFlags.FromLine,
                'O' => PipeFlags.OriginalTo,
                'R' => PipeFlags.ReturnPath,
                'X' => PipeFlags.Final,
                'h' => PipeFlags.FoldDomain,
                'u' => PipeFlags.FoldUser,
                'q' => PipeFlags.Quote,
                '.' => PipeFlags.DotStuff,
                '>' => PipeFlags.QuoteFrom,
                _ => null,
            };
            if (one is null)
            {
                Fail("unknown flag: " + letter, "the flags are B D F O R X h u q . and >");
                return null;
            }
            flags |= one.Value;
        }
        return flags;
    }

    private ActionConfig.Pipe? Checked(ActionConfig.Pipe pipe)
    {
        if (pipe.Arguments.IsEmpty || pipe.Arguments[0].Length == 0)
            return Fail("missing command attribute argv=", "write `argv=/path/of/command ...` at the end");
        if (pipe.User.Length == 0)
            return Fail("missing user= command-line attribute", "name the user that the command runs as, one that is neither root nor the mail server");
        if (pipe.User == "root" || pipe.User == "0" || pipe.Group is "root" or "0")
            return Fail("user= command-line attribute specifies root privileges", "nothing runs as root: name another user");
        if (pipe.Flags.HasFlag(PipeFlags.DeliveredTo) && pipe.Recipients != 1)
            return Waits("flags=D requires " + service.Name + "_destination_recipient_limit = 1", "set it in main.cf: Delivered-To can name one recipient only");
        if (pipe.Flags.HasFlag(PipeFlags.OriginalTo) && pipe.Recipients != 1)
            return Waits("flags=O requires " + service.Name + "_destination_recipient_limit = 1", "set it in main.cf: X-Original-To can name one recipient only");
        foreach (string argument in pipe.Arguments)
        {
            MacroText.Expansion expansion = MacroText.Expand(argument, name => Macros.Contains(name) ? "x" : null);
            if (expansion.Error is not null)
                return Fail(expansion.Error + " in the argument " + argument, "pipe(8) lists the macros; a dollar sign itself is written $$");
        }
        return pipe;
    }

    private ActionConfig.Pipe? Fail(string message, string cure)
    {
        _problem = message;
        reader.Findings.Error(service.At, "service " + service.Key + ": " + message, cure);
        return null;
    }

    /// <summary>Debian's master.cf has such a service, which nobody uses: no reason to start no server.</summary>
    private ActionConfig.Pipe? Waits(string message, string cure)
    {
        _problem = message;
        reader.Findings.Note(service.At, "service " + service.Key + ": " + message, cure + "; until then mail for it waits");
        return null;
    }

    /// <summary><c>\r\n</c> and their kin, as C writes them.</summary>
    private static string Unescaped(string text)
    {
        var plain = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                plain.Append(text[i]);
                continue;
            }
            i++;
            plain.Append(text[i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'a' => '\a', 'b' => '\b', 'f' => '\f', 'v' => '\v', char other => other });
        }
        return plain.ToString();
    }
}
