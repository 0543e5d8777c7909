using System.Collections.Immutable;
using Estafette.Events;
using Estafette.Smtp;

namespace Estafette.Smtpd;

/// <summary>What a client has said over its connection: how often each command, how often with success, and what came last. For the line that tells a session's end (smtpd(8)).</summary>
internal sealed class CommandTally
{
    /// <summary>In the order in which the line has them; what is no command comes last.</summary>
    private static readonly (SmtpVerb Verb, string Name)[] s_verbs =
    [
        (SmtpVerb.Helo, "helo"), (SmtpVerb.Ehlo, "ehlo"), (SmtpVerb.StartTls, "starttls"), (SmtpVerb.Auth, "auth"), (SmtpVerb.Mail, "mail"), (SmtpVerb.Rcpt, "rcpt"), (SmtpVerb.Data, "data"),
        (SmtpVerb.Bdat, "bdat"), (SmtpVerb.Rset, "rset"), (SmtpVerb.Noop, "noop"), (SmtpVerb.Vrfy, "vrfy"), (SmtpVerb.Etrn, "etrn"), (SmtpVerb.Expn, "expn"), (SmtpVerb.Help, "help"), (SmtpVerb.Quit, "quit"), (SmtpVerb.Unknown, "unknown"),
    ];

    private readonly int[] _done = new int[s_verbs.Length];
    private readonly int[] _all = new int[s_verbs.Length];
    private int _last = -1;

    /// <summary>The last command in capitals, CONNECT before the first, END-OF-MESSAGE behind a message.</summary>
    public string Stage { get; private set; } = "CONNECT";

    /// <summary>Octets of the message that the connection broke off in; null when it did not.</summary>
    public long? Unfinished { get; private set; }

    /// <summary>Why the connection broke off in a message.</summary>
    public WaitEnd BrokenBy { get; private set; }

    public void Said(SmtpVerb verb)
    {
        _last = Array.FindIndex(s_verbs, known => known.Verb == verb);
        if (_last < 0)
            _last = s_verbs.Length - 1;
        _all[_last]++;
        Stage = s_stages[_last];
    }

    /// <summary>The last command was answered well.</summary>
    public void Succeeded()
    {
        if (_last >= 0)
            _done[_last]++;
    }

    public void EndOfMessage() => Stage = "END-OF-MESSAGE";

    public void BrokeOff(WaitEnd end, long octets) => (BrokenBy, Unfinished) = (end, octets);

    public ImmutableArray<CommandCount> Counts()
    {
        var counts = ImmutableArray.CreateBuilder<CommandCount>(s_verbs.Length + 1);
        for (int i = 0; i < s_verbs.Length; i++)
        {
            if (_all[i] > 0)
                counts.Add(new CommandCount(s_verbs[i].Name, _done[i], _all[i]));
        }
        counts.Add(new CommandCount("commands", _done.Sum(), _all.Sum()));
        return counts.ToImmutable();
    }

    private static readonly string[] s_stages = [.. s_verbs.Select(known => known.Name.ToUpperInvariant())];
}
