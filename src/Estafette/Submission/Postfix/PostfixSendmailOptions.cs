using Estafette.Mail;
using Estafette.Program.Commands.Postfix;
using Estafette.Smtp;

namespace Estafette.Program.Submission.Postfix;

/// <summary>What a caller of Postfix's sendmail(1) asks for. What makes no sense is a <see cref="Problem"/> or a warning in the original's words; options of other sendmails that mean nothing here are passed over.</summary>
internal sealed record PostfixSendmailOptions
{
    /// <summary>The option that stands alone (<c>-q</c>), although its letter takes a value.</summary>
    private const char Flush = '\x01';

    private const int MaximumEnvelopeId = 100;

    public enum Mode { Enqueue, ListQueue, FlushQueue, Daemon, NewAliases, Smtp, Nothing }

    public Mode What { get; private init; }
    public IReadOnlyList<string> Recipients { get; private init; } = [];

    /// <summary>Null where the caller's login is meant.</summary>
    public string? Sender { get; private init; }
    public string? FullName { get; private init; }
    public bool RecipientsFromHeader { get; private init; }

    /// <summary>A line with a single dot ends the message.</summary>
    public bool EndsAtDot { get; private init; } = true;
    public bool IsGateway { get; private init; }
    public SendmailReport Report { get; private init; }
    public string? Body { get; private init; }
    public string? Notify { get; private init; }
    public string? Return { get; private init; }
    public string? EnvelopeId { get; private init; }

    /// <summary><c>-qR</c>.</summary>
    public string? FlushSite { get; private init; }

    /// <summary><c>-qI</c>.</summary>
    public string? FlushId { get; private init; }

    /// <summary><c>-q15m</c>: an interval, which only a daemon has.</summary>
    public bool HasInterval { get; private init; }
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>Why nothing is done; null where all makes sense.</summary>
    public string? Problem { get; private init; }

    /// <summary>A wrong option in getopt(3)'s words; <see cref="Problem"/> is the usage then.</summary>
    public string? OptionProblem { get; private init; }

    private bool IsVerbose { get; init; }

    /// <param name="name">The name the program was called by: it stands for a mode.</param>
    public static PostfixSendmailOptions Parse(string name, IReadOnlyList<string> args)
    {
        var options = new PostfixSendmailOptions { What = name switch { "mailq" => Mode.ListQueue, "newaliases" => Mode.NewAliases, _ => Mode.Enqueue } };
        var reader = new OptionReader("A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q:tvx" + Flush, [.. args.Select(a => a == "-q" ? "-" + Flush : a)]);
        while (options.Problem is null && reader.Next() is { } option)
            options = options.With(option.Letter, option.Value);
        if (options.Problem is not null)
            return options;
        if (reader.Problem is not null)
            return options with { OptionProblem = reader.Problem, Problem = "usage: " + name + " [options]" };
        options = options with { Recipients = [.. reader.Rest.Select(r => r == "-" + Flush ? "-q" : r)] };
        return options with { Problem = options.Conflict() };
    }

    private PostfixSendmailOptions With(char letter, string value) => letter switch
    {
        Flush => this with { What = Mode.FlushQueue },
        'n' => Fail("-n option not supported"),
        'B' when value is "8BITMIME" or "7BIT" => this with { Body = value },
        'B' => Fail("-B option needs 8BITMIME or 7BIT"),
        'F' => this with { FullName = value },
        'G' => this with { IsGateway = true },
        'I' => this with { What = Mode.NewAliases },
        'N' => WithNotify(value),
        'R' when value.ToLowerInvariant() is "full" or "hdrs" => this with { Return = value },
        'R' => Warn("bad -R option value -- ignored"),
        'V' => WithEnvelopeId(value),
        'X' => Fail("unsupported: -X" + value[..Math.Min(1, value.Length)]),
        'b' => WithMode(value),
        'f' or 'r' => this with { Sender = value },
        'i' => this with { EndsAtDot = false },
        'o' when value.StartsWith('i') => this with { EndsAtDot = false },
        'o' when value == "A" => Fail("-oA requires pathname"),
        'q' => WithQueue(value),
        't' => this with { RecipientsFromHeader = true },
        'v' => this with { IsVerbose = true },
        _ => this,
    };

    private PostfixSendmailOptions WithMode(string value) => value.FirstOrDefault() switch
    {
        'd' or 'l' => this with { What = Mode.Daemon },
        'h' or 'H' => this with { What = Mode.Nothing },
        'i' => this with { What = Mode.NewAliases },
        'm' => this with { What = Mode.Enqueue },
        'p' => this with { What = Mode.ListQueue },
        's' => this with { What = Mode.Smtp },
        'v' => this with { Report = SendmailReport.Verification },
        var other => Fail("unsupported: -b" + (other == '\0' ? "" : other.ToString())),
    };

    private PostfixSendmailOptions WithQueue(string value) => value switch
    {
        ['R'] => Fail("specify: -qRsitename"),
        ['I'] => Fail("specify: -qIqueueid"),
        ['R', ..] => this with { FlushSite = value[1..] },
        ['I', ..] => this with { FlushId = value[1..] },
        [>= '0' and <= '9', ..] => this with { HasInterval = true },
        _ => Fail($"-q{value.FirstOrDefault()} is not implemented"),
    };

    private PostfixSendmailOptions WithNotify(string value)
    {
        string[] words = value.ToUpperInvariant().Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (Array.Find(words, w => w is not ("NEVER" or "SUCCESS" or "FAILURE" or "DELAY")) is { } unknown)
        {
            string written = value.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries).First(w => w.Equals(unknown, StringComparison.OrdinalIgnoreCase));
            return Warn($"unknown DSN NOTIFY command value \"{written}\" in \"{value}\"").Warn("bad -N option value -- ignored");
        }
        bool ok = words.Length > 0 && (!words.Contains("NEVER") || words.Length == 1);
        return ok ? this with { Notify = string.Join(',', words.Distinct()) } : Warn("bad -N option value -- ignored");
    }

    private PostfixSendmailOptions WithEnvelopeId(string value) =>
        value.Length > MaximumEnvelopeId ? Warn("too long -V option value -- ignored")
        : value.Length == 0 || value.Any(c => c is (< ' ' and not '\t') or '\x7f') ? Warn("bad syntax in -V option value -- ignored")
        : this with { EnvelopeId = value };

    /// <summary>Options that exclude each other; null where none do.</summary>
    private string? Conflict()
    {
        bool enqueues = What == Mode.Enqueue;
        if (RecipientsFromHeader && !enqueues)
            return "-t can be used only in delivery mode";
        if (FlushSite is not null && !enqueues)
            return "-qR can be used only in delivery mode";
        if (FlushId is not null && !enqueues)
            return "-qI can be used only in delivery mode";
        if (Report == SendmailReport.Verification && (RecipientsFromHeader ? "-t" : Notify is not null ? "-N" : Return is not null ? "-R" : IsVerbose ? "-v" : null) is { } other)
            return other + " option cannot be used with -bv";
        if (HasInterval && What != Mode.Daemon)
            return null;
        return Recipients.Count == 0 ? null : What switch
        {
            Mode.Enqueue when FlushSite is not null => "flush site requires no recipient",
            Mode.Enqueue when FlushId is not null => "flush queue_id requires no recipient",
            Mode.ListQueue => "display queue mode requires no recipient",
            Mode.FlushQueue => "flush queue mode requires no recipient",
            Mode.Daemon => "daemon mode requires no recipient",
            Mode.NewAliases => "alias initialization mode requires no recipient",
            Mode.Smtp => "stand-alone mode requires no recipient",
            _ => null,
        };
    }

    /// <summary>What the report is to tell, with <c>-v</c> counted.</summary>
    public SendmailReport Reports => Report == SendmailReport.None && IsVerbose && What == Mode.Enqueue ? SendmailReport.Delivery : Report;

    private PostfixSendmailOptions Fail(string problem) => this with { Problem = problem };

    private PostfixSendmailOptions Warn(string warning) => this with { Warnings = [.. Warnings, warning] };
}
