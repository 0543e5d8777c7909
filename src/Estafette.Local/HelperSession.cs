using System.Buffers;
using System.Globalization;
using System.Text;
using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Serves one connection as its user in the dialect of <see cref="LocalProtocol"/>, until the peer leaves or is idle for too long. Anything malformed ends the
/// connection: the peer is the daemon, so it is a bug or an attack, and what has no reply yet is deferred there.
/// </summary>
internal sealed class HelperSession
{
    /// <summary>Without work the process leaves; the daemon closes its idle connections before.</summary>
    private const int IdleMilliseconds = 15_000;

    /// <summary>A pause within a message.</summary>
    private const int StallMilliseconds = 120_000;

    private const int StandardInput = 0, StandardOutput = 1;

    private readonly LocalUser _user;
    private readonly LocalActions _actions;
    private readonly Batch _batch;
    private readonly TargetResolver _targets;
    private readonly HelperInput _input;
    private readonly ArrayBufferWriter<byte> _replies = new(4096);
    private readonly UnixText _text = new();
    private readonly byte[] _converted = GC.AllocateUninitializedArray<byte>(64 * 1024);

    private string _sender = "";
    private readonly List<LocalEnvelope> _recipients = [];
    private Delivery? _delivery;
    private bool _broken;

    public HelperSession(LocalUser user, LocalActions actions, bool switched)
    {
        _user = user;
        _actions = actions;
        _batch = new Batch(user, actions);
        _targets = new TargetResolver(user, actions, _batch, switched);
        _input = new HelperInput(StandardInput, BeforeWaiting);
    }

    public int Run()
    {
        _replies.Write(Encoding.UTF8.GetBytes($"220 2.0.0 {_user.Name}\r\n"));
        while (!_broken && TryReadLine(out string line) && Serve(line))
            continue;
        _delivery?.Abort();
        Commit();
        Send();
        return 0;
    }

    /// <summary>Nothing more has arrived: what is complete is committed and answered, unless a message is in the middle of its way.</summary>
    private void BeforeWaiting()
    {
        if (_delivery is null)
            Commit();
        Send();
    }

    private void Commit() => _batch.Commit(_replies);

    private void Send()
    {
        if (_replies.WrittenCount > 0 && !Native.WriteAll(StandardOutput, _replies.WrittenSpan))
            _broken = true;
        _replies.ResetWrittenCount();
    }

    private bool TryReadLine(out string line)
    {
        int searched = 0;
        while (true)
        {
            int end = _input.Available[searched..].IndexOf((byte)'\n');
            if (end >= 0)
            {
                line = Encoding.UTF8.GetString(_input.Available[..(searched + end)].TrimEnd((byte)'\r'));
                _input.Advance(searched + end + 1);
                return true;
            }
            searched = _input.Available.Length;
            line = "";
            if (searched > LocalProtocol.MaximumLine || !_input.Fill(_delivery is null ? IdleMilliseconds : StallMilliseconds))
                return false;
        }
    }

    /// <summary>False ends the connection.</summary>
    private bool Serve(string line)
    {
        if (line.StartsWith("MAIL FROM:<", StringComparison.Ordinal) && line.EndsWith('>'))
        {
            Reset();
            return LocalProtocol.TryDecodeXtext(Encoding.ASCII.GetBytes(line[11..^1]), out _sender);
        }
        if (line.StartsWith("RCPT TO:", StringComparison.Ordinal))
        {
            if (LocalEnvelope.Parse(Encoding.ASCII.GetBytes(line[8..])) is not { } envelope || _recipients.Count >= LocalProtocol.MaximumRecipients)
                return false;
            _recipients.Add(envelope);
            return true;
        }
        if (line.StartsWith("BDAT ", StringComparison.Ordinal))
            return Data(line.AsSpan(5));
        if (line.StartsWith("XFORWARD", StringComparison.Ordinal))
            return Forward(line.Length > 9 ? line[9..] : "");
        if (line.StartsWith("XWISHES ", StringComparison.Ordinal))
            return Wishes(LocalEnvelope.Parse(Encoding.ASCII.GetBytes(line[8..])));
        if (line == "RSET")
        {
            Reset();
            return true;
        }
        return false;
    }

    private void Reset()
    {
        _delivery?.Abort();
        _delivery = null;
        _recipients.Clear();
    }

    /// <summary>One chunk (RFC 3030 s2). A failure of the delivery is no failure of the connection.</summary>
    private bool Data(ReadOnlySpan<char> argument)
    {
        bool last = argument.EndsWith(" LAST", StringComparison.Ordinal);
        if (_recipients.Count == 0 || !long.TryParse(last ? argument[..^5] : argument, NumberStyles.None, CultureInfo.InvariantCulture, out long left))
            return false;
        if (_delivery is null)
        {
            if (_targets.RunsCommand(_recipients[0]))
                Commit();
            _delivery = _targets.Open(_sender, _recipients, DateTimeOffset.UtcNow);
            _text.Reset(_delivery.QuoteFrom);
        }
        if (!Transfer(left, last))
            return false;
        if (!last)
            return true;
        LocalReply? reply = _delivery.End(_text.AtLineStart);
        _batch.Add(_delivery, reply);
        _delivery = null;
        _recipients.Clear();
        if (_batch.Count >= LocalProtocol.BatchLimit)
        {
            Commit();
            Send();
        }
        return true;
    }

    private bool Transfer(long left, bool last)
    {
        int filled = 0;
        while (left > 0)
        {
            ReadOnlySpan<byte> piece = _input.Available;
            if (piece.IsEmpty)
            {
                if (!_input.Fill(StallMilliseconds))
                    return false;
                continue;
            }
            _text.Convert(piece[..(int)Math.Min(piece.Length, left)], _converted.AsSpan(filled), out int consumed, out int written);
            _input.Advance(consumed);
            left -= consumed;
            filled += written;
            if (filled > _converted.Length - UnixText.MinimumRoom)
                Flush(ref filled);
        }
        if (last)
        {
            if (filled > _converted.Length - UnixText.MinimumRoom)
                Flush(ref filled);
            filled += _text.Finish(_converted.AsSpan(filled));
        }
        Flush(ref filled);
        return true;
    }

    private void Flush(ref int filled)
    {
        if (filled > 0)
            _delivery!.Write(_converted.AsSpan(0, filled));
        filled = 0;
    }

    private bool Forward(string argument)
    {
        if (!LocalProtocol.TryDecodeXtext(Encoding.ASCII.GetBytes(argument), out string detail))
            return false;
        Commit();
        Answer(ForwardFile.Read(_user, detail, _actions.Style));
        return true;
    }

    /// <summary>The forward file of a local(8) action, or a file that it includes.</summary>
    private bool Wishes(LocalEnvelope? envelope)
    {
        if (envelope is null || envelope.User != _user.Name)
            return false;
        Commit();
        if (!_actions.Actions.TryGetValue(envelope.Action, out LocalAction? action) || action.Users is not { } rules)
            Answer((ForwardState.Unavailable, [], Identity.Unknown(envelope.Action).Text));
        else
            Answer(envelope.Target.Length > 0 ? ForwardFile.ReadIncluded(_user, envelope, rules) : ForwardFile.Read(_user, envelope, rules));
        return true;
    }

    private void Answer((ForwardState, byte[], string) answer)
    {
        (ForwardState state, byte[] text, string reason) = answer;
        _replies.Write(Encoding.UTF8.GetBytes(state switch
        {
            ForwardState.None => "252 2.0.0 none\r\n",
            ForwardState.Text => string.Create(CultureInfo.InvariantCulture, $"250 2.0.0 {text.Length}\r\n"),
            ForwardState.Unsafe => LocalReply.Fail(7, 0, reason).ToLine(),
            _ => LocalReply.Defer(3, 0, reason).ToLine(),
        }));
        if (state is ForwardState.Text)
            _replies.Write(text);
    }
}
