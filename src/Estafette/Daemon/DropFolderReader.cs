using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Estafette.Events;
using Estafette.Program.Submission;

namespace Estafette.Program.Daemon;

/// <summary>
/// Takes in what commands left in the drop folder while the daemon was down: at start, then every few seconds. Each message goes through an
/// ordinary local session as its owner. A temporary refusal leaves the file for the next round, until it is as old as a message may become; then, and
/// after a permanent one, its sender is told. What is no message is renamed, so that it is looked at once. Nothing that lies in the folder
/// stops the rounds.
/// </summary>
internal sealed class DropFolderReader(StateFolder state, Func<uint, IDuplexPipe, CancellationToken, Task> session, Func<TimeSpan> lifetime, EventSink events)
{
    /// <summary>Files taken in one round, and files remembered from one round to the next; the rest wait.</summary>
    private const int MaximumRound = 10_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    /// <summary>Messages that are in the queue already and only wait for their notification or their removal: they must not be submitted again. What was refused of them.</summary>
    private readonly Dictionary<string, List<string>> _submitted = new(StringComparer.Ordinal);
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval);
        do
        {
            await RoundAsync(cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        try
        {
            _reported.RemoveWhere(path => !Path.Exists(path));
            // Those that could not be taken come last, however many there are: nobody may keep others out with files that cannot be read.
            foreach (string path in Directory.EnumerateFiles(state.Drop, "*" + DropFolder.Suffix).OrderBy(_reported.Contains).Take(MaximumRound))
                await TakeOneAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Report(state.Drop, e.Message);
        }
    }

    private async Task TakeOneAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await TakeAsync(path, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it was: the next file must have its turn, and this one its next round.
            Report(path, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private async Task TakeAsync(string path, CancellationToken cancellationToken)
    {
        using DropFile? file = DropFile.Open(path, out string reason, out bool isMessage);
        if (file is null && isMessage)
            Report(path, reason);
        else if (file is null)
            SetAside(path, reason);
        if (file is null)
            return;
        if (!_submitted.TryGetValue(path, out List<string>? refused))
        {
            if (_submitted.Count >= MaximumRound)
                return;
            bool isLate = events.Now - File.GetLastWriteTimeUtc(path) > lifetime();
            refused = await WithSessionAsync(file.Owner, dialogue => ReplayAsync(file, dialogue, isLate, cancellationToken), cancellationToken);
            if (refused is null)
                return;
            _submitted.Add(path, refused);
        }
        if (refused.Count > 0 && !await TellAsync(path, file, refused, cancellationToken))
            return;
        File.Delete(path);
        _submitted.Remove(path);
        _reported.Remove(path);
    }

    /// <summary>Tells each trouble of a file once.</summary>
    private void Report(string path, string reason)
    {
        if (_reported.Count < MaximumRound && _reported.Add(path))
            Warn($"{path} is not taken: {reason}");
    }

    private void SetAside(string path, string reason)
    {
        string aside = path + ".refused";
        File.Move(path, aside, overwrite: true);
        Warn($"{path} is no message and is now {aside}: {reason}");
    }

    private void Warn(string text) => events.Publish(new OperatorWarning("pickup", text) { At = events.Now });

    private async Task<T> WithSessionAsync<T>(uint owner, Func<DropSession, Task<T>> dialogue, CancellationToken cancellationToken)
    {
        await using var client = new DropSession((pipe, cancellation) => session(owner, pipe, cancellation), cancellationToken);
        return await dialogue(client);
    }

    /// <summary>Null: try again later. Else the refusals, none when all were taken. A late message has no later.</summary>
    private static async Task<List<string>?> ReplayAsync(DropFile file, DropSession client, bool isLate, CancellationToken cancellationToken)
    {
        SmtpDialogue dialogue = client.Dialogue;
        var refused = new List<string>();
        if ((await dialogue.ReplyAsync(cancellationToken)).Code != 220)
            return null;
        await dialogue.AskAsync("EHLO localhost", cancellationToken);
        int accepted = 0;
        foreach (string command in file.Commands)
        {
            (int code, string text) = await dialogue.AskAsync(command, cancellationToken);
            if (code is >= 400 and < 500 && (!isLate || code == 421))
                return null;
            if (code >= 400)
                refused.Add(command + ": " + text);
            else if (command.StartsWith("RCPT", StringComparison.Ordinal))
                accepted++;
            if (code >= 400 && command.StartsWith("MAIL", StringComparison.Ordinal))
                return refused;
        }
        if (accepted == 0)
            return refused;
        if ((await dialogue.AskAsync("DATA", cancellationToken)).Code != 354)
            return null;
        (int end, string words) = await client.SendMessageAsync(file.Stream, cancellationToken);
        if (end is >= 400 and < 500 && (!isLate || end == 421))
            return null;
        if (end >= 400)
            refused.Add(words);
        return refused;
    }

    /// <summary>False: the sender could not be told now.</summary>
    private async Task<bool> TellAsync(string path, DropFile file, List<string> refused, CancellationToken cancellationToken)
    {
        int code = file.Sender.Length == 0 ? 550 : await WithSessionAsync(0, client => NotifyAsync(file, client.Dialogue, refused, cancellationToken), cancellationToken);
        if (code >= 500)
            Warn($"{path} was refused and nobody can be told: {string.Join("; ", refused)}");
        return code is 250 or >= 500;
    }

    /// <summary>Tells the submitter, with the null reverse-path, what was refused; sendmail(1) had already ended well. The code that ended it.</summary>
    private static async Task<int> NotifyAsync(DropFile file, SmtpDialogue dialogue, List<string> refused, CancellationToken cancellationToken)
    {
        if ((await dialogue.ReplyAsync(cancellationToken)).Code != 220)
            return 421;
        foreach (string command in (string[])["EHLO localhost", "MAIL FROM:<>", $"RCPT TO:<{file.Sender}>", "DATA"])
        {
            if ((await dialogue.AskAsync(command, cancellationToken)).Code is int code and >= 400)
                return code;
        }
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"From: Mailer Daemon <MAILER-DAEMON>\r\nTo: <{file.Sender}>\r\nSubject: Delivery status notification: failed\r\nAuto-Submitted: auto-replied\r\n\r\n");
        text.Append("A message that you left while the mail server was down was refused when it came back:\r\n\r\n");
        foreach (string line in refused)
            text.Append("  ").Append(line.Replace("\n", "\r\n  ", StringComparison.Ordinal)).Append("\r\n");
        return (await dialogue.AskAsync(text.Append('.').ToString(), cancellationToken)).Code;
    }
}
