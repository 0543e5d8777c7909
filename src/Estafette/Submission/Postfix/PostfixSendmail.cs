using System.Globalization;
using System.Text;
using Estafette.Mail;
using Estafette.Program.Commands;
using Estafette.Program.Commands.Postfix;
using Estafette.Program.Daemon;
using Estafette.Smtp;
using Estafette.Tables;

namespace Estafette.Program.Submission.Postfix;

/// <summary>
/// sendmail(1) as Postfix has it: hands a message from standard input to the daemon, or keeps it in the drop folder while the daemon is down; lists and flushes the queue, makes aliases. It completes
/// nothing: cleanup does. Ends with 0 when the message is safe on disk; every fatal end is 75, as in the original.
/// </summary>
internal sealed class PostfixSendmail
{
    /// <summary>Octets of one field that <c>-t</c> looks at (<c>header_size_limit</c>'s default; what cleanup cuts later it cuts anyway).</summary>
    private const int HeaderLimit = 102_400;

    /// <summary>How the daemon begins to say so.</summary>
    private const string NotAllowed = "550 5.7.1 User ";

    private readonly PostfixTool _tool;
    private readonly PostfixSendmailOptions _options;
    private string _user = "";

    private PostfixSendmail(PostfixTool tool, PostfixSendmailOptions options)
    {
        _tool = tool;
        _options = options;
    }

    /// <param name="name">The name the program was called by.</param>
    public static async Task<int> RunAsync(string name, string[] args)
    {
        var tool = new PostfixTool(name, ExitCode.TempFail);
        PostfixSendmailOptions options = PostfixSendmailOptions.Parse(name, args);
        foreach (string warning in options.Warnings)
            await tool.TellAsync("warning", warning);
        // The original reads its options twice, and says so.
        for (int i = 0; i < 2 && options.OptionProblem is not null; i++)
            Console.Error.WriteLine($"{name}: {options.OptionProblem}");
        if (options.Problem is not null)
            return await tool.FatalAsync(options.Problem);
        if (options is { HasInterval: true, What: not PostfixSendmailOptions.Mode.Daemon })
            return ExitCode.Ok;
        return options.What switch
        {
            PostfixSendmailOptions.Mode.ListQueue => await PostqueueCommand.ListAsync(),
            PostfixSendmailOptions.Mode.FlushQueue => await PostqueueCommand.RunAsync(["-f"]),
            PostfixSendmailOptions.Mode.NewAliases => await NewaliasesCommand.CompileDatabasesAsync(),
            PostfixSendmailOptions.Mode.Smtp => await StandardInputSession.RunAsync(tool.State, mendsLineEnds: true, CancellationToken.None),
            PostfixSendmailOptions.Mode.Daemon => await tool.FatalAsync("the daemon is started by 'postfix start' or 'estafette run', not by sendmail -bd"),
            PostfixSendmailOptions.Mode.Nothing => ExitCode.Ok,
            _ when options.FlushSite is not null => await PostqueueCommand.RunAsync(["-s", options.FlushSite]),
            _ when options.FlushId is not null => await PostqueueCommand.RunAsync(["-i", options.FlushId]),
            _ => await new PostfixSendmail(tool, options).EnqueueAsync(),
        };
    }

    private async Task<int> EnqueueAsync()
    {
        uint uid = Native.RealUser();
        UserRecord? user = await new SystemUsers(TimeProvider.System).FindAsync(uid, CancellationToken.None) is UserAnswer.Found found ? found.User : null;
        string sender = await SenderAsync(user, uid);
        _user = string.Create(CultureInfo.InvariantCulture, $"{sender}({uid})");
        var lines = new OutgoingLines(_options.EndsAtDot, _options.RecipientsFromHeader, HeaderLimit);
        List<string> recipients = [.. _options.Recipients.SelectMany(Named)];
        MessageInput message;
        try
        {
            message = _options.Report == SendmailReport.Verification
                ? await MessageInput.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(Probe(sender))), piece => piece, CancellationToken.None)
                : await MessageInput.ReadAsync(Console.OpenStandardInput(), lines.Take, CancellationToken.None);
        }
        catch (IOException e)
        {
            return await _tool.FatalAsync($"{_user}: error reading input: {e.Message}");
        }
        await using (message)
        {
            lines.Complete();
            if (lines.HeaderTooLarge)
                return await _tool.FatalAsync($"{_user}: unable to extract recipients: message header length exceeds safety limit");
            recipients.AddRange(lines.Recipients);
            if (recipients.Count == 0)
                return await _tool.FatalAsync($"{_user}: {(_options.RecipientsFromHeader ? "No recipient addresses found in message header" : "Recipient addresses must be specified on the command line or via the -t option")}");
            if (recipients.Append(sender).FirstOrDefault(IsMoreThanAPath) is { } crafted)
                return await _tool.FatalAsync($"{_user}: '{crafted}' is not an address");
            return await HandOverAsync(new Submission
            {
                ReversePath = sender,
                Recipients = [.. recipients.Distinct(StringComparer.Ordinal)],
                Header = [],
                Message = message,
                // What -v reports is what the sender can be told of each recipient.
                Notify = _options.Notify ?? (_options.Reports == SendmailReport.Delivery ? "SUCCESS,FAILURE,DELAY" : null),
                Return = _options.Return,
                EnvelopeId = _options.EnvelopeId,
                Body = _options.Body,
                Words = new SendmailWords { FullName = FullName(user), IsGateway = _options.IsGateway, Report = _options.Reports },
            });
        }
    }

    /// <summary>The first address of <c>-f</c>, else the login; the daemon adds the domain.</summary>
    private async Task<string> SenderAsync(UserRecord? user, uint uid)
    {
        if (_options.Sender is null)
            return user?.Name ?? uid.ToString(CultureInfo.InvariantCulture);
        string[] named = [.. OutgoingLines.AddressesIn(_options.Sender)];
        if (named.Length > 1)
            await _tool.TellAsync("warning", "-f option specified malformed sender: " + _options.Sender);
        return named.FirstOrDefault() is { } first && first != "\"\"" ? first : "";
    }

    /// <summary>An argument is read as a header would be: several addresses, names and comments. One that holds none means whoever answers for the null sender.</summary>
    private static IEnumerable<string> Named(string argument)
    {
        string[] addresses = [.. OutgoingLines.AddressesIn(argument)];
        return addresses.Length > 0 ? addresses : ["MAILER-DAEMON"];
    }

    private string FullName(UserRecord? user) =>
        FieldText.Sanitize(_options.FullName ?? Environment.GetEnvironmentVariable("NAME") ?? Submitter.FullNameOf(user) ?? "");

    private string Probe(string sender)
    {
        string from = sender.Length > 0 ? $"From: {sender}\n" : "";
        return FieldText.Sanitize(from).TrimEnd() + (from.Length > 0 ? "\n" : "") + "Subject: probe\nTo:" + string.Join(",\n", _options.Recipients.Select(r => "\t" + FieldText.Sanitize(r))) + "\n";
    }

    /// <summary>Something that ends the path and goes on would reach the daemon as a parameter of the command, or as a command (E29).</summary>
    private static bool IsMoreThanAPath(string address) =>
        address.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0
        || (PathParser.TryParse(Encoding.UTF8.GetBytes($"<{address}>"), PathSyntax.Utf8 | PathSyntax.EmptyDomain | PathSyntax.QuotedLocalPart, out _, out ReadOnlySpan<byte> rest) && !rest.IsEmpty);

    private async Task<int> HandOverAsync(Submission submission)
    {
        switch (await new SubmissionClient(_tool.State, null).SendAsync(submission, CancellationToken.None))
        {
            case SubmissionResult.Accepted:
                break;
            case SubmissionResult.Refused refused:
                return await _tool.FatalAsync(refused.Reply switch
                {
                    ['5', '5', '2', ..] or ['5', _, _, ' ', '5', '.', '3', '.', '4', ..] => _user + ": message file too big",
                    _ when refused.Reply.StartsWith(NotAllowed, StringComparison.Ordinal) => refused.Reply[NotAllowed.IndexOf('U', StringComparison.Ordinal)..],
                    _ => _user + ": " + refused.Reply,
                });
            case SubmissionResult.NoDaemon down:
                if (await DropFolder.KeepAsync(_tool.State, submission, CancellationToken.None) is { } problem)
                    return await _tool.FatalAsync($"{_user}: the mail system is down ({down.Reason}), and the message could not be kept: {problem}");
                break;
        }
        if (_options.Reports != SendmailReport.None)
            Console.Out.Write($"Mail Delivery Status Report will be mailed to <{submission.ReversePath}>.\n");
        return ExitCode.Ok;
    }
}
