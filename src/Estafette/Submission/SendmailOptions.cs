namespace Estafette.Program.Submission;

/// <summary>What a caller of sendmail(1) asks for. Reads the old syntax: flags joined or with their value behind, <c>-o</c> words of every age.</summary>
internal sealed record SendmailOptions
{
    public enum Mode { Deliver, ListQueue, RunQueue, Smtp, NewAliases, Version, Help }

    public Mode What { get; init; }
    public List<string> Recipients { get; } = [];

    /// <summary><c>-t</c>: recipients from To, Cc and Bcc as well.</summary>
    public bool RecipientsFromHeader { get; init; }

    /// <summary>A line with a single dot is text.</summary>
    public bool IgnoreDots { get; init; }

    /// <summary>Null when not given; empty is the null reverse-path.</summary>
    public string? Sender { get; init; }
    public string? FullName { get; init; }
    public bool Verbose { get; init; }
    public string? Notify { get; init; }
    public string? Return { get; init; }
    public string? EnvelopeId { get; init; }
    public string? Body { get; init; }

    /// <summary>Null when all is understood; else what is wrong, for people.</summary>
    public string? Problem { get; init; }

    private const string FlagsWithValue = "bBCdfFhLMNopORrqVXA";

    /// <summary>Arguments of <c>sendmail</c> to what they ask for. Unknown <c>-o</c> and <c>-O</c> settings are accepted: scripts of forty years set them.</summary>
    public static SendmailOptions Parse(IReadOnlyList<string> args)
    {
        var options = new SendmailOptions();
        int i = 0;
        for (; i < args.Count && options.Problem is null; i++)
        {
            string arg = args[i];
            if (arg == "--")
            {
                i++;
                break;
            }
            if (arg == "--help")
                return options with { What = Mode.Help };
            if (arg == "--version")
                return options with { What = Mode.Version };
            if (arg.Length < 2 || arg[0] != '-')
                break;
            options = ReadFlags(options, args, ref i);
        }
        for (; i < args.Count; i++)
            options.Recipients.Add(args[i]);
        return options.Problem is null ? Check(options) : options;
    }

    private static SendmailOptions ReadFlags(SendmailOptions options, IReadOnlyList<string> args, ref int i)
    {
        string arg = args[i];
        for (int at = 1; at < arg.Length; at++)
        {
            char flag = arg[at];
            if (!FlagsWithValue.Contains(flag, StringComparison.Ordinal))
            {
                options = Simple(options, flag);
                continue;
            }
            string? value = at + 1 < arg.Length ? arg[(at + 1)..] : null;
            // These take their value only when it is joined: `-q` alone runs the queue, `-d` alone debugs.
            if (value is null && flag is not ('q' or 'd'))
            {
                if (i + 1 >= args.Count)
                    return options with { Problem = $"option -{flag} needs a value" };
                value = args[++i];
            }
            return WithValue(options, flag, value ?? "");
        }
        return options;
    }

    private static SendmailOptions Simple(SendmailOptions options, char flag) => flag switch
    {
        't' => options with { RecipientsFromHeader = true },
        'i' => options with { IgnoreDots = true },
        'v' => options with { Verbose = true },
        // -G (gateway), -m (me too), -n (no alias), -U (submission), -E, -e: old habits without a meaning here.
        'G' or 'm' or 'n' or 'U' or 'E' or 'e' or 's' or 'T' or 'x' or 'c' or 'I' => flag == 'I' ? options with { What = Mode.NewAliases } : options,
        _ => options with { Problem = $"unknown option -{flag} (see sendmail --help)" },
    };

    private static SendmailOptions WithValue(SendmailOptions options, char flag, string value) => flag switch
    {
        'b' => value switch
        {
            "p" => options with { What = Mode.ListQueue },
            "s" => options with { What = Mode.Smtp },
            "i" => options with { What = Mode.NewAliases },
            "d" or "D" => options with { Problem = "the daemon is started by 'estafette run' or 'smtpd', not by sendmail -bd" },
            "v" or "t" => options with { Problem = $"mode -b{value} is not supported: ask 'estafette check' or send a message with -v" },
            _ => options,
        },
        'q' => options with { What = Mode.RunQueue },
        'f' or 'r' => options with { Sender = Unbracket(value) },
        'F' => options with { FullName = value },
        'N' => options with { Notify = value },
        'R' => options with { Return = value },
        'V' => options with { EnvelopeId = value },
        'B' => options with { Body = value },
        'o' => value.StartsWith('i') ? options with { IgnoreDots = true } : options,
        _ => options,
    };

    private static string Unbracket(string address) =>
        address.Length >= 2 && address[0] == '<' && address[^1] == '>' ? address[1..^1] : address;

    private static SendmailOptions Check(SendmailOptions options)
    {
        foreach ((string name, string? value) in new[] { ("-f", options.Sender), ("-F", options.FullName), ("-V", options.EnvelopeId) })
        {
            // A line end here would let the caller of the caller write header fields or SMTP commands (E29).
            if (value is not null && value.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0)
                return options with { Problem = $"control character in the value of {name}" };
        }
        foreach (string recipient in options.Recipients)
        {
            if (recipient.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0)
                return options with { Problem = "control character in a recipient address" };
        }
        if (options.Return is not null && options.Return.ToUpperInvariant() is not ("FULL" or "HDRS"))
            return options with { Problem = $"-R takes 'full' or 'hdrs', not '{options.Return}'" };
        if (options.Body is not null && options.Body.ToUpperInvariant() is not ("7BIT" or "8BITMIME"))
            return options with { Problem = $"-B takes '7BIT' or '8BITMIME', not '{options.Body}'" };
        return NotifyProblem(options.Notify) is string problem ? options with { Problem = problem } : options;
    }

    private static string? NotifyProblem(string? notify)
    {
        if (notify is null)
            return null;
        string[] words = notify.ToUpperInvariant().Split(',');
        if (words is ["NEVER"])
            return null;
        return Array.TrueForAll(words, w => w is "SUCCESS" or "FAILURE" or "DELAY")
            ? null : $"-N takes 'never' or a list of 'success', 'failure', 'delay', not '{notify}'";
    }
}
