using System.Globalization;
using System.Text;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Control;

/// <summary>What the program as a whole does for the admin socket, beyond the queue.</summary>
public sealed record ControlHooks
{
    /// <summary>Reads the configuration again; null when that worked, else why the old one stays.</summary>
    public required Func<CancellationToken, Task<string?>> Reload { get; init; }

    /// <summary>Reads a table again; null when that worked.</summary>
    public required Func<string, CancellationToken, Task<string?>> UpdateTable { get; init; }

    /// <summary>Turns new network sessions away (true) or lets them in again; false where that was so already.</summary>
    public required Func<bool, bool> PauseReception { get; init; }

    public required Func<bool> IsReceptionPaused { get; init; }

    /// <summary>Lines of <c>show stats</c>.</summary>
    public required Func<IReadOnlyList<string>> Statistics { get; init; }

    /// <summary>Lines of <c>show hosts</c> about hosts that are passed over for the time being.</summary>
    public Func<IReadOnlyList<string>> RestingHosts { get; init; } = static () => [];

    /// <summary>Whether mail for this domain may be asked for by name (<c>postqueue -s</c>, postconf(5) fast_flush_domains).</summary>
    public Func<string, CancellationToken, ValueTask<bool>> IsFlushSite { get; init; } = static (_, _) => ValueTask.FromResult(false);

    /// <summary>Writes to the log as another program would (postlog(1)): its tag, the severity's word, the text.</summary>
    public Action<string, string, string> WriteLog { get; init; } = static (_, _, _) => { };

    /// <summary>Opens the log file anew after a rotation; null when that worked.</summary>
    public Func<string?> ReopenLog { get; init; } = static () => null;
}

/// <summary>The requests of the admin socket, by name. Every answer is rows and an end; a word that means nothing is answered with what does.</summary>
public sealed class ControlCommands(QueueOperations queue, MessageOperations messages, EventSink events, ControlHooks hooks)
{
    /// <summary>Octets of a message that <c>show message</c> shows.</summary>
    private const long MaximumShown = 64 << 20;
    private readonly HashSet<string> _traced = new(StringComparer.Ordinal);
    private readonly MessageCommands _messages = new(queue, messages, hooks);

    public async Task<ControlEnd> RunAsync(ControlRequest request, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        string? argument = request.Arguments.Count > 0 ? request.Arguments[0] : null;
        switch (request.Command)
        {
            case "show-queue":
                return await ListAsync(argument, answer, cancellationToken);
            case "show-message":
                return await ShowAsync(argument, answer, cancellationToken);
            case "show-stats":
                foreach (string line in hooks.Statistics())
                    await answer(new ControlRow { Text = line });
                return Done();
            case "schedule":
                return await OperateAsync(argument, queue.FlushAsync, cancellationToken);
            case "remove":
                return await OperateAsync(argument, queue.RemoveAsync, cancellationToken);
            case "pause-envelope":
                return await OperateAsync(argument, queue.HoldAsync, cancellationToken);
            case "resume-envelope":
                return await OperateAsync(argument, queue.ReleaseAsync, cancellationToken);
            case "pause-mta" or "resume-mta":
                return Pause(DeliveryKind.Relay, request.Command[0] == 'p');
            case "pause-mda" or "resume-mda":
                return Pause(DeliveryKind.Local, request.Command[0] == 'p');
            case "pause-smtp" or "resume-smtp":
                return Changed(hooks.PauseReception(request.Command[0] == 'p'), request.Command);
            case "show-status":
                await answer(new ControlRow { Text = "MDA " + State(queue.IsPaused(DeliveryKind.Local)) });
                await answer(new ControlRow { Text = "MTA " + State(queue.IsPaused(DeliveryKind.Relay)) });
                await answer(new ControlRow { Text = "SMTP " + State(hooks.IsReceptionPaused()) });
                return Done();
            case "show-envelope":
                return await EnvelopeAsync(argument, answer, cancellationToken);
            case "show-hoststats":
                return await HostStatisticsAsync(answer, cancellationToken);
            case "show-routes" or "show-relays" or "show-hosts":
                foreach ((NextHop hop, int connections, int waiting) in queue.NextHops())
                    await answer(new ControlRow { Text = string.Create(CultureInfo.InvariantCulture, $"{hop.Name} nconn={connections} nmsg={waiting}") });
                foreach (string line in request.Command == "show-hosts" ? hooks.RestingHosts() : [])
                    await answer(new ControlRow { Text = line });
                return Done();
            case "log":
                return argument is "brief" or "verbose" ? Trace("all", argument == "verbose") : new ControlEnd("log takes 'brief' or 'verbose'", 0);
            case "trace" or "untrace":
                return argument is null or not ("imsg" or "io" or "smtp" or "filters" or "mta" or "mda" or "bounce" or "scheduler" or "lookup" or "stat" or "rules" or "mproc" or "expand" or "all")
                    ? new ControlEnd("name a subsystem: smtp, expand, lookup, scheduler, mta, mda, all", 0) : Trace(argument, request.Command == "trace");
            case "update-table":
                return argument is null ? new ControlEnd("name a table", 0) : new ControlEnd(await hooks.UpdateTable(argument, cancellationToken), 1);
            case "reload":
                return new ControlEnd(await hooks.Reload(cancellationToken), 1);
            case "write-log" when request.Arguments.Count == 3:
                hooks.WriteLog(request.Arguments[0], request.Arguments[1], request.Arguments[2]);
                return Done();
            case "reopen-log":
                return new ControlEnd(hooks.ReopenLog(), 1);
            default:
                return await _messages.RunAsync(request, answer, cancellationToken) ?? new ControlEnd($"'{request.Command.Replace('-', ' ')}' is not known here (see smtpctl --help)", 0);
        }
    }

    private static ControlEnd Done() => new(null, 1);

    private ControlEnd Pause(DeliveryKind kind, bool pause)
    {
        return Changed(pause ? queue.Pause(kind) : queue.Resume(kind), pause ? "pause" : "resume");
    }

    private static ControlEnd Changed(bool changed, string command) => changed ? Done() : new(command[0] == 'p' ? "it is paused already" : "it is not paused", 0);

    private static string State(bool paused) => paused ? "paused" : "running";

    /// <summary>One waiting recipient, a field a line, under the names OpenSMTPD gives them in its queue files.</summary>
    private async Task<ControlEnd> EnvelopeAsync(string? which, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        if (Selector(which) is not QueueSelector.ById selector)
            return new ControlEnd("name one envelope by its id", 0);
        await foreach (QueuedRecipient row in queue.ListAsync(selector, cancellationToken))
        {
            QueueEntry entry = Entry(row);
            foreach ((string name, string value) in new[]
            {
                ("type", entry.Transport), ("helo", row.Envelope.Client.Helo), ("errorline", entry.Error), ("sockaddr", row.Envelope.Client.Address?.ToString() ?? "local"),
                ("sender", entry.Sender), ("rcpt", entry.Recipient), ("dest", entry.Destination), ("ctime", Unix(entry.Created)), ("expire", Unix(entry.Expires)),
                ("last-try", entry.LastAttempt is { } last ? Unix(last) : "0"), ("retry", entry.Attempts.ToString(CultureInfo.InvariantCulture)),
            })
                await answer(new ControlRow { Text = name + ": " + value });
            return new ControlEnd(null, 1);
        }
        return new ControlEnd($"nothing in the queue is '{which}'", 0);
    }

    /// <summary><c>domain|time|answer</c> of the newest attempt at each domain that mail waits for.</summary>
    private async Task<ControlEnd> HostStatisticsAsync(Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        var newest = new SortedDictionary<string, (DateTimeOffset At, string Text)>(StringComparer.OrdinalIgnoreCase);
        await foreach (QueuedRecipient row in queue.ListAsync(QueueSelector.All.Instance, cancellationToken))
        {
            if (row is { Kind: DeliveryKind.Relay, LastAttempt: { } at, LastOutcome: { } outcome }
                && (!newest.TryGetValue(row.Recipient.Address.Domain, out (DateTimeOffset At, string Text) known) || known.At < at))
                newest[row.Recipient.Address.Domain] = (at, outcome.Text);
        }
        foreach ((string domain, (DateTimeOffset at, string text)) in newest)
            await answer(new ControlRow { Text = domain + "|" + Unix(at) + "|" + text });
        return Done();
    }

    private static string Unix(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private ControlEnd Trace(string subsystem, bool on)
    {
        lock (_traced)
        {
            if (on)
                _traced.Add(subsystem);
            else
                _traced.Remove(subsystem);
            events.SetTrace(_traced);
        }
        return Done();
    }

    private static QueueSelector? Selector(string? which) => which switch
    {
        "all" => QueueSelector.All.Instance,
        { Length: 8 or 16 } when which.All(char.IsAsciiHexDigit) => new QueueSelector.ById(which),
        { } when which.Contains('.', StringComparison.Ordinal) => new QueueSelector.ByDomain(which.TrimStart('@')),
        _ => null,
    };

    private static async Task<ControlEnd> OperateAsync(string? which, Func<QueueSelector, CancellationToken, ValueTask<int>> operation, CancellationToken cancellationToken)
    {
        if (Selector(which) is not QueueSelector selector)
            return new ControlEnd($"'{which}' is neither a message id (8 hex digits), an envelope id (16), a domain, nor 'all'", 0);
        return new ControlEnd(null, await operation(selector, cancellationToken));
    }

    private async Task<ControlEnd> ListAsync(string? which, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        if (Selector(which ?? "all") is not QueueSelector selector)
            return new ControlEnd($"'{which}' is neither a message id (8 hex digits), an envelope id (16) nor a domain", 0);
        int listed = 0;
        await foreach (QueuedRecipient row in queue.ListAsync(selector, cancellationToken))
        {
            await answer(new ControlRow { Entry = Entry(row) });
            listed++;
        }
        return new ControlEnd(null, listed);
    }

    private static QueueEntry Entry(QueuedRecipient row) => new()
    {
        Id = row.Envelope.Id.ToString(),
        EnvelopeId = row.EnvelopeId,
        Sender = row.Envelope.ReversePath.ToString(),
        Recipient = row.Recipient.Original.ToString(),
        Destination = row.Recipient.Target switch
        {
            DeliveryTarget.User => row.Recipient.Address.ToString(),
            DeliveryTarget.File file => file.Path,
            DeliveryTarget.Command command => "|" + command.CommandLine,
            _ => row.Recipient.Address.ToString(),
        },
        Transport = row.Kind == DeliveryKind.Relay ? "mta" : "mda",
        State = row.State switch { QueuedState.Held => "hold", QueuedState.Active => "inflight", _ => "pending" },
        Family = row.Envelope.Client.Address is null ? "local" : row.Envelope.Client.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "inet6" : "inet4",
        Authenticated = row.Envelope.Client.Login is not null,
        Size = row.Envelope.Size,
        Created = row.Envelope.Received,
        Expires = row.Expires,
        LastAttempt = row.LastAttempt,
        NextAttempt = row.NextAttempt,
        Attempts = row.Attempts,
        Error = row.LastOutcome is { Kind: OutcomeKind.Deferred } outcome ? outcome.Text : "",
    };

    private async Task<ControlEnd> ShowAsync(string? which, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        if (Selector(which) is not QueueSelector.ById selector)
            return new ControlEnd("name one message by its id", 0);
        await foreach (QueuedRecipient row in queue.ListAsync(selector, cancellationToken))
        {
            using Spool.SpoolBody? body = await queue.OpenBodyAsync(row.Envelope.Id, cancellationToken);
            if (body is null)
                return new ControlEnd("the message went away meanwhile, or its stored octets are damaged", 0);
            var reader = new StringBuilder();
            byte[] buffer = new byte[64 << 10];
            for (long offset = 0; offset < Math.Min(body.Length, MaximumShown);)
            {
                int read = await body.ReadAsync(offset, buffer, cancellationToken);
                if (read == 0)
                    break;
                offset += read;
                reader.Append(Encoding.Latin1.GetString(buffer, 0, read));
                string text = reader.ToString();
                int complete = text.LastIndexOf('\n');
                foreach (string line in complete < 0 ? [] : text[..complete].Split('\n'))
                    await answer(new ControlRow { Text = line.TrimEnd('\r') });
                reader.Clear().Append(text, complete + 1, text.Length - complete - 1);
            }
            if (reader.Length > 0)
                await answer(new ControlRow { Text = reader.ToString() });
            return new ControlEnd(null, 1);
        }
        return new ControlEnd(string.Create(CultureInfo.InvariantCulture, $"nothing in the queue is '{which}'"), 0);
    }
}
