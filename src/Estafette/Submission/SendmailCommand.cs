using System.Buffers;
using Estafette.Mail;
using Estafette.Program.Commands;
using Estafette.Program.Daemon;
using Estafette.Program.Submission.Postfix;
using Estafette.Smtp;

namespace Estafette.Program.Submission;

/// <summary>
/// sendmail(1): takes a message from standard input and hands it to the daemon, or keeps it in the drop folder while the daemon is down.
/// Exit 0 means the message is safe on disk; everything else is a code of sysexits.h and words on standard error.
/// </summary>
internal static class SendmailCommand
{
    private const string Help = """
        usage: sendmail [options] [recipient ...] < message
          -t            recipients from To, Cc and Bcc (Bcc is removed)
          -f ADDRESS    envelope sender (also -r)       -F NAME      full name in From
          -i, -oi       a lone dot is text              -v           show the SMTP dialogue
          -N WHEN       never, or success,failure,delay -R full|hdrs what a notification returns
          -V ENVID      envelope id for notifications   -B 7BIT|8BITMIME
          -bs           speak SMTP on standard input    -bp          list the queue (mailq)
          -bi           rebuild aliases (newaliases)    -q           try everything that waits now
        other -o and -O settings are accepted and have no effect
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        if (SubmissionProfile.IsPostfix(StateFolder.Default()))
            return await PostfixSendmail.RunAsync("sendmail", args);
        SendmailOptions options = SendmailOptions.Parse(args);
        if (options.Problem is not null)
            return Complain(options.Problem, ExitCode.Usage);
        switch (options.What)
        {
            case SendmailOptions.Mode.Help:
                Console.Out.WriteLine(Help);
                return ExitCode.Ok;
            case SendmailOptions.Mode.Version:
                Console.Out.WriteLine("sendmail (Estafette " + VersionText.Value + ")");
                return ExitCode.Ok;
            case SendmailOptions.Mode.ListQueue:
                return await MailqCommand.RunAsync([]);
            case SendmailOptions.Mode.RunQueue:
                return await SmtpctlCommand.RunAsync(["schedule", "all"]);
            case SendmailOptions.Mode.NewAliases:
                return await NewaliasesCommand.RunAsync([]);
            case SendmailOptions.Mode.Smtp:
                return await StandardInputSession.RunAsync(StateFolder.Default(), mendsLineEnds: false, CancellationToken.None);
            default:
                return await DeliverAsync(options, StateFolder.Default());
        }
    }

    private static async Task<int> DeliverAsync(SendmailOptions options, StateFolder state)
    {
        SubmissionProfile profile = SubmissionProfile.Read(state);
        bool endsAtDot = !options.IgnoreDots && profile.LoneDotEndsMessage;
        MessageInput message;
        try
        {
            message = await MessageInput.ReadAsync(Console.OpenStandardInput(), endsAtDot, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return Complain(e.Message, e is IOException ? ExitCode.IoError : ExitCode.DataError);
        }
        await using (message)
        {
            Submitter submitter = await Submitter.CurrentAsync(profile.HostName, options);
            IEnumerable<string> named = options.Recipients;
            if (options.RecipientsFromHeader)
                named = named.Concat(HeaderRecipients.Collect(message.Header).Addresses.Select(a => a.ToString()));
            List<string> recipients = [.. named.Select(r => Submitter.Qualify(r, profile.HostName)).Distinct(StringComparer.Ordinal)];
            if (recipients.Count == 0)
                return Complain("no recipients", ExitCode.Software);
            if (recipients.Append(submitter.Address.ToString()).FirstOrDefault(IsMoreThanAPath) is string crafted)
                return Complain($"'{crafted}' is not an address", ExitCode.Usage);
            var submission = new Submission
            {
                ReversePath = submitter.Address.ToString(),
                Recipients = recipients,
                Header = CompleteHeader(message.Header, submitter, profile),
                Message = message,
                Notify = options.Notify,
                Return = options.Return,
                EnvelopeId = options.EnvelopeId,
                Body = options.Body,
            };
            return await HandOverAsync(submission, options.Verbose, state);
        }
    }

    /// <summary>Something that ends the path and goes on: it would reach the daemon as a parameter of the command (E29). What is no path at all the daemon refuses by itself.</summary>
    private static bool IsMoreThanAPath(string address) =>
        PathParser.TryParse(System.Text.Encoding.UTF8.GetBytes($"<{address}>"), PathSyntax.Utf8 | PathSyntax.EmptyDomain | PathSyntax.QuotedLocalPart, out _, out ReadOnlySpan<byte> rest) && !rest.IsEmpty;

    private static byte[] CompleteHeader(byte[] fields, Submitter submitter, SubmissionProfile profile)
    {
        var header = new ArrayBufferWriter<byte>(fields.Length + 256);
        SubmissionHeader.Write(header, fields, new SubmissionHeaderOptions
        {
            Completions = HeaderCompletions.BySendmail,
            Sender = submitter.Address,
            FullName = submitter.FullName,
            HostName = profile.HostName,
            Now = DateTimeOffset.Now,
        });
        return header.WrittenSpan.ToArray();
    }

    private static async Task<int> HandOverAsync(Submission submission, bool verbose, StateFolder state)
    {
        var client = new SubmissionClient(state, verbose ? Console.Out : null);
        SubmissionResult result = await client.SendAsync(submission, CancellationToken.None);
        switch (result)
        {
            case SubmissionResult.Accepted:
                return ExitCode.Ok;
            case SubmissionResult.Refused refused:
                string? letter = await DeadLetter.SaveAsync(submission);
                Complain("command failed: " + refused.Reply, 0);
                if (letter is not null)
                    Console.Error.WriteLine($"sendmail: the message was saved in {letter}");
                return refused.Permanent ? ExitCode.Software : ExitCode.TempFail;
            default:
                string reason = ((SubmissionResult.NoDaemon)result).Reason;
                string? problem = await DropFolder.KeepAsync(state, submission, CancellationToken.None);
                if (problem is null)
                {
                    if (verbose)
                        Console.Out.WriteLine($"the daemon is not there ({reason}); the message waits in {state.Drop}");
                    return ExitCode.Ok;
                }
                await DeadLetter.SaveAsync(submission);
                return Complain($"the daemon is not there ({reason}), and the message could not be kept: {problem}", ExitCode.TempFail);
        }
    }

    private static int Complain(string text, int code)
    {
        Console.Error.WriteLine("sendmail: " + text);
        return code;
    }
}
