using System.Buffers.Binary;
using System.Security.Cryptography;
using Estafette.Events;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>
/// The steps of one local delivery in the words of OpenSMTPD's trace (O21), for who reads logs by habit. Costs nothing while the trace is off:
/// <see cref="Begin"/> then gives null.
/// </summary>
internal sealed class MdaTrace
{
    private readonly EventSink _events;
    private readonly string _session;
    private readonly string _envelope;
    private readonly string _user;

    private MdaTrace(EventSink events, Envelope envelope, Recipient recipient, string user)
    {
        _events = events;
        _session = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
        _envelope = envelope.Id.EnvelopeId(recipient.Key);
        _user = user;
        Tell($"mda: new session {_session} for user \"{_user}\" evpid {_envelope}");
        Tell($"mda: got message fd for session {_session} evpid {_envelope}");
        Tell($"mda: querying mda fd for session {_session} evpid {_envelope}");
    }

    public static MdaTrace? Begin(EventSink events, Envelope envelope, Recipient recipient, string user) =>
        events.Traces("mda") ? new MdaTrace(events, envelope, recipient, user) : null;

    /// <summary>The helper that is the user takes the message; what it does with it stands in <paramref name="method"/>.</summary>
    public void Handed(string method)
    {
        Tell($"smtpd: forking mda for session {_session}: \"{method}\" as {_user}");
        Tell($"mda: got mda fd for session {_session} evpid {_envelope}");
    }

    public void Sent()
    {
        Tell($"mda: end-of-file for session {_session} evpid {_envelope}");
        Tell($"mda: all data sent for session {_session} evpid {_envelope}");
    }

    public void Done(DeliveryOutcome outcome)
    {
        Tell($"smtpd: mda process done for session {_session}: {(outcome.Kind == OutcomeKind.Delivered ? "exited okay" : outcome.Text)}");
        Tell($"mda: session {_session} done");
        Tell($"mda: user \"{_user}\" becomes runnable");
    }

    public static void AllDone(EventSink events, string user)
    {
        if (events.Traces("mda"))
            events.Trace("mda", $"debug: mda: all done for user \"{user}\"");
    }

    private void Tell(string text) => _events.Trace("mda", "debug: " + text);
}
