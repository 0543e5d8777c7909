using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Control;

/// <summary>
/// The requests behind Postfix's queue commands (postqueue, postsuper, postcat, qshape): whole messages, by id or by queue. Rows are written while the queue is read, so a
/// listing of a million messages holds none of them.
/// </summary>
internal sealed class MessageCommands(QueueOperations queue, MessageOperations messages, ControlHooks hooks)
{
    /// <summary>Octets of one line of a message that a record shows; a longer line comes in several records, as in Postfix's queue files.</summary>
    private const int MaximumLine = 64 << 10;

    private static readonly (QueuePlace Place, string Name)[] s_places =
        [(QueuePlace.Incoming, "incoming"), (QueuePlace.Active, "active"), (QueuePlace.Deferred, "deferred"), (QueuePlace.Hold, "hold")];

    /// <summary>Null for a request that is none of these.</summary>
    public async Task<ControlEnd?> RunAsync(ControlRequest request, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken) => request.Command switch
    {
        "list-messages" => await ListAsync(request.Arguments, answer, cancellationToken),
        "change-messages" => await ChangeAsync(request.Arguments, answer, cancellationToken),
        "flush-site" => await FlushSiteAsync(request.Arguments, cancellationToken),
        "show-records" => await RecordsAsync(request.Arguments, answer, cancellationToken),
        _ => null,
    };

    private async Task<ControlEnd> ListAsync(IReadOnlyList<string> arguments, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        int listed = 0;
        await foreach (WaitingMessage message in messages.ListAsync(Places(arguments), cancellationToken))
        {
            await answer(new ControlRow { Message = Message(message) });
            listed++;
        }
        return new ControlEnd(null, listed);
    }

    /// <summary>What to do, the queues, and <c>ALL</c> or ids; a row of text for each message that was changed by its id.</summary>
    private async Task<ControlEnd> ChangeAsync(IReadOnlyList<string> arguments, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        if (arguments.Count < 3 || !Enum.TryParse(arguments[0], out MessageChange change))
            return new ControlEnd("this is no request of this program's version", 0);
        bool all = arguments[2] == "ALL";
        IReadOnlyList<MessageId>? ids = all ? null : [.. arguments.Skip(2).Select(id => MessageId.TryParse(id, out MessageId parsed) ? parsed : default).Where(id => id != default)];
        IReadOnlyList<MessageId> changed = await messages.ChangeAsync(change, Places([arguments[1]]), ids, cancellationToken);
        foreach (MessageId id in all ? [] : changed)
            await answer(new ControlRow { Text = id.ToString() });
        return new ControlEnd(null, changed.Count);
    }

    private async Task<ControlEnd> FlushSiteAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (arguments.Count != 1 || !await hooks.IsFlushSite(arguments[0], cancellationToken))
            return new ControlEnd($"Flush service is not configured for destination \"{(arguments.Count > 0 ? arguments[0] : "")}\"", 0);
        return new ControlEnd(null, await queue.FlushAsync(new QueueSelector.ByDomain(arguments[0].Trim('[', ']')), cancellationToken));
    }

    private static QueuePlace Places(IReadOnlyList<string> named)
    {
        QueuePlace places = QueuePlace.None;
        foreach (string name in named.Count == 0 ? [] : named[0].Split(','))
            places |= Array.Find(s_places, one => one.Name == name).Place;
        return places == QueuePlace.None ? QueuePlace.All : places;
    }

    private static string NameOf(QueuePlace place) => Array.Find(s_places, one => one.Place == place).Name;

    private static QueuedMessage Message(WaitingMessage message)
    {
        var recipients = new List<QueuedAddress>(message.Progress.Length);
        for (int i = 0; i < message.Progress.Length; i++)
        {
            if (!message.Progress[i].IsDone)
                recipients.Add(new QueuedAddress(message.Envelope.Recipients[i].Address.ToString(), message.Progress[i].Last is { Kind: OutcomeKind.Deferred } last ? last.Told : ""));
        }
        return new QueuedMessage
        {
            Id = message.Envelope.Id.ToString(),
            Queue = NameOf(message.Place),
            ForcedExpire = message.IsExpiring,
            Sender = message.Envelope.ReversePath.ToString(),
            Size = message.Envelope.Size,
            Arrived = message.Envelope.Received,
            // Those with a reason first: a listing tells it once for all that share it.
            Recipients = recipients.TrueForAll(r => r.Reason.Length > 0) ? recipients : [.. recipients.Where(r => r.Reason.Length > 0), .. recipients.Where(r => r.Reason.Length == 0)],
        };
    }

    private async Task<ControlEnd> RecordsAsync(IReadOnlyList<string> arguments, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        if (arguments.Count != 1 || !MessageId.TryParse(arguments[0], out MessageId id) || await messages.FindAsync(id, cancellationToken) is not { } message)
            return new ControlEnd("No such file or directory", 0);
        using Spool.SpoolBody? body = await queue.OpenBodyAsync(id, cancellationToken);
        if (body is null)
            return new ControlEnd("the message went away meanwhile, or its stored octets are damaged", 0);
        await answer(new ControlRow { Text = NameOf(message.Place) + "/" + id });
        foreach (MessageRecord record in Envelope(message))
            await answer(new ControlRow { Record = record });
        await answer(new ControlRow { Record = new MessageRecord('M', "") });
        await ContentAsync(body, answer, cancellationToken);
        await answer(new ControlRow { Record = new MessageRecord('X', "") });
        await answer(new ControlRow { Record = new MessageRecord('E', "") });
        return new ControlEnd(null, 1);
    }

    /// <summary>Lines with the octets of the message as Latin-1, so that each comes out as it went in.</summary>
    private static async Task ContentAsync(Spool.SpoolBody body, Func<ControlRow, ValueTask> answer, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>(1024);
        byte[] buffer = new byte[64 << 10];
        for (long offset = 0; offset < body.Length;)
        {
            int read = await body.ReadAsync(offset, buffer, cancellationToken);
            if (read == 0)
                break;
            offset += read;
            for (int at = 0; at < read;)
            {
                int end = buffer.AsSpan(at, read - at).IndexOf((byte)'\n');
                int length = end < 0 ? read - at : end;
                line.Write(buffer.AsSpan(at, length));
                at += end < 0 ? length : length + 1;
                if (end >= 0)
                    await TakeAsync('N');
                else if (line.WrittenCount >= MaximumLine)
                    await TakeAsync('L');
            }
        }
        if (line.WrittenCount > 0)
            await TakeAsync('N');

        async ValueTask TakeAsync(char type)
        {
            ReadOnlySpan<byte> octets = line.WrittenSpan;
            string text = Encoding.Latin1.GetString(type == 'N' && octets.EndsWith("\r"u8) ? octets[..^1] : octets);
            line.ResetWrittenCount();
            await answer(new ControlRow { Record = new MessageRecord(type, text) });
        }
    }

    private static IEnumerable<MessageRecord> Envelope(WaitingMessage message)
    {
        Envelope envelope = message.Envelope;
        int waiting = message.Progress.Count(one => !one.IsDone);
        yield return new('C', string.Create(CultureInfo.InvariantCulture, $"{envelope.Size,15} {0,15} {waiting,15} {0,15} {envelope.Size,15} {0,15}"));
        string time = string.Create(CultureInfo.InvariantCulture, $"{envelope.Received.ToUnixTimeSeconds()} {envelope.Received.Ticks / 10 % 1_000_000}");
        yield return new('T', time);
        yield return new('A', string.Create(CultureInfo.InvariantCulture, $"create_time={envelope.Received.ToUnixTimeSeconds()}"));
        foreach ((string name, string? value) in new (string, string?)[] { ("log_ident", envelope.Client.IsLocal ? null : envelope.Id.ToString()), ("envelope_id", envelope.DsnEnvelopeId), ("ret_flags", Flag((int)envelope.Return)) })
        {
            if (value is not null)
                yield return new('A', name + "=" + value);
        }
        yield return new('S', envelope.ReversePath.ToString());
        foreach ((string name, string? value) in Attributes(envelope))
        {
            if (value is not null)
                yield return new('A', name + "=" + value);
        }
        for (int i = 0; i < envelope.Recipients.Length; i++)
        {
            Recipient recipient = envelope.Recipients[i];
            if (recipient.Notify != DsnNotify.Unspecified)
                yield return new('A', "notify_flags=" + ((int)recipient.Notify).ToString(CultureInfo.InvariantCulture));
            if (recipient.DsnOriginalRecipient is string original)
                yield return new('A', "dsn_orig_rcpt=" + original);
            yield return new('O', recipient.Original.ToString());
            yield return new(message.Progress[i].IsDone ? 'D' : 'R', recipient.Address.ToString());
        }
    }

    private static string? Flag(int value) => value == 0 ? null : value.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<(string Name, string? Value)> Attributes(Envelope envelope)
    {
        ClientInfo client = envelope.Client;
        yield return ("encoding", envelope.Body == BodyType.EightBitMime ? "8bit" : null);
        if (client.Address is { } address)
        {
            string name = client.HostName ?? "unknown", port = client.Port.ToString(CultureInfo.InvariantCulture);
            foreach (string prefix in (string[])["log_", ""])
            {
                yield return (prefix + "client_name", name);
                yield return (prefix + "client_address", address.ToString());
                yield return (prefix + "client_port", port);
                if (prefix.Length > 0)
                    yield return ("log_message_origin", name + "[" + address + "]");
                yield return (prefix + "helo_name", client.Helo);
                yield return (prefix + "protocol_name", client.Protocol);
            }
            yield return ("client_address_type", address.AddressFamily == AddressFamily.InterNetworkV6 ? "10" : "2");
        }
        yield return ("sasl_username", client.Login);
    }
}
