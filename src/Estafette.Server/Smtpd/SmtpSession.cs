using System.Net;
using System.Net.Security;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Policy;
using Estafette.Queue;
using Estafette.Smtp;
using Estafette.Smtpd.Auth;

namespace Estafette.Smtpd;

/// <summary>What a command came to: the reply (null where it was sent already, or nothing is left to say) and, for a refusal, the rule that gave it.</summary>
internal readonly record struct CommandResult(Reply? Reply, string Rule = "")
{
    /// <summary>There is nobody to talk to any more.</summary>
    public static CommandResult Lost { get; } = new(null) { Ends = true };

    /// <summary>The session ends without a reply.</summary>
    public bool Ends { get; private init; }

    /// <summary>A refusal that does not count against the client.</summary>
    public bool IsForgiven { get; init; }

    public static implicit operator CommandResult(Reply reply) => new(reply);
}

/// <summary>What all sessions of one server share.</summary>
internal sealed record SessionParts(Intake Intake, EventSink Events, TimeProvider Clock, PasswordCheck Passwords, AuthThrottle Throttle, Postfix.ClientEvents Clients);

/// <summary>
/// One session's state by lifetime: the connection (fixed), counts (connection), what was said (until TLS starts), the transaction (until it ends). It decides nothing; the
/// loop and the handlers do.
/// </summary>
internal sealed class SmtpSession(ConnectionInfo connection, SmtpdServices services, SessionTransport transport, SessionParts parts) : IAsyncDisposable
{
    /// <summary>RFC 6409 s3.1.</summary>
    private const int SubmissionPort = 587;

    private static readonly TimeSpan s_tlsEnd = TimeSpan.FromSeconds(1);

    private SslStream? _tls;
    private bool _opened;
    private Smtp.ChannelBindings? _bindings;

    public ConnectionInfo Connection { get; } = connection;
    public SmtpdServices Services { get; } = services;
    public SessionTransport Transport { get; } = transport;
    public SessionParts Parts { get; } = parts;
    public Habits Habits { get; } = Habits.Of(services.Config.Dialect);
    public Replies Replies { get; } = Habits.Of(services.Config.Dialect).Replies == ReplyStyle.Postfix
        ? new PostfixReplies(connection.HostName, connection.Listener?.Smtpd?.Dialog.Banner ?? "") : Replies.Of(Habits.Of(services.Config.Dialect).Replies, connection.HostName);
    public LimitsConfig Limits { get; } = connection.Listener?.Smtpd is { } smtpd ? Postfix.SmtpdServiceLimits.Of(services.Config.Limits, smtpd.Limits) : services.Config.Limits;
    public SessionCounts Counts { get; } = new();
    public SessionState State { get; private set; } = new(null);
    public Transaction? Transaction { get; private set; }

    /// <summary>What a session of Postfix's smtpd(8) has beside; null in the other dialects.</summary>
    public Postfix.SmtpdSession? Smtpd { get; } = Postfix.SmtpdSession.Of(connection, services);

    /// <summary>The greeting was given; a filter may have refused it.</summary>
    public bool Greeted { get; set; }

    /// <summary>The client is one of our own users: a local program, somebody who has authenticated, or who came to a port for users.</summary>
    public bool IsSubmission => Connection.IsLocal || State.Login is not null
        || Connection.Listener!.EndPoint.Port == SubmissionPort || IPAddress.IsLoopback(Connection.Listener.EndPoint.Address);

    public bool OffersTls => Connection.Listener?.Tls is ListenerTls.Offer or ListenerTls.Require;
    public bool OffersAuth => Connection.Listener is { Auth: not ListenerAuth.None } listener && (State.Tls is not null || listener.AuthWithoutTls);

    public PathSyntax PathSyntax => (Connection.IsLocal || State.Login is not null ? Habits.OwnPaths : Habits.StrangerPaths)
        | (Transaction?.Parameters.SmtpUtf8 == true ? PathSyntax.Utf8 : PathSyntax.None);

    public ParameterGroups ParameterGroups => (State.Esmtp && Services.Config.Announced.HasFlag(AnnouncedExtensions.SmtpUtf8) ? ParameterGroups.Esmtp | ParameterGroups.SmtpUtf8 : ParameterGroups.Esmtp)
        | (Connection.Listener?.NoDsn == true ? ParameterGroups.None : ParameterGroups.Dsn) | (Connection.IsLocal ? ParameterGroups.Submission : ParameterGroups.None);

    /// <summary>Starts over after the handshake (RFC 3207 s4.2).</summary>
    public void TlsStarted(TlsInfo info, SslStream stream)
    {
        _tls = stream;
        State = new SessionState(info);
        TellOpened();
        Parts.Events.Publish(new TlsStarted(Connection.SessionId, info.Protocol, info.Cipher, info.Bits)
        {
            At = Parts.Events.Now,
            Service = Connection.Service,
            Address = Connection.Remote?.Address,
            HostName = Connection.Reverse.Name,
            Client = info.Client,
        });
    }

    /// <summary>What a login may know of this connection.</summary>
    public LoginContext LoginContext() => new()
    {
        Passwords = Parts.Passwords,
        Throttle = Parts.Throttle,
        Limits = Limits,
        Remote = Connection.Remote,
        Local = Connection.Listener?.EndPoint,
        IsSecure = State.Tls is not null,
        Bindings = _tls is null ? Smtp.ChannelBindings.None : _bindings ??= TlsBindings.Of(_tls),
        MayAskPassword = OffersAuth,
    };

    /// <summary>
    /// Where TLS comes first a session is one only after the handshake: of a scanner there is the line of the failed handshake and no other.
    /// </summary>
    public void TellOpened()
    {
        if (_opened)
            return;
        _opened = true;
        Parts.Events.Publish(new SessionOpened(Connection.SessionId, Connection.Remote?.Address, Connection.Remote?.Port ?? 0, Connection.Reverse.Name, Connection.LocalUid, Connection.ListenerText)
        {
            At = Parts.Events.Now,
            Service = Connection.Service,
        });
    }

    public void TellClosed(string reason)
    {
        if (!_opened)
            return;
        Parts.Events.Publish(new SessionClosed(Connection.SessionId, reason, Counts.Messages, Counts.Errors, Transport.Elapsed)
        {
            At = Parts.Events.Now,
            Service = Connection.Service,
            Address = Connection.Remote?.Address,
            HostName = Connection.Reverse.Name,
            Stage = Counts.Commands.Stage,
            Unfinished = Counts.Commands.Unfinished,
            Commands = Parts.Events.TellsSteps ? Counts.Commands.Counts() : [],
        });
    }

    public void Begin(Transaction transaction) => Transaction = transaction;

    public async ValueTask EndTransactionAsync()
    {
        Transaction? old = Transaction;
        Transaction = null;
        if (old is not null)
            await old.DisposeAsync();
    }

    public ClientInfo ClientInfo() => new()
    {
        SessionId = Connection.SessionId,
        Address = Connection.Remote?.Address,
        Port = Connection.Remote?.Port ?? 0,
        HostName = Connection.IsLocal ? Connection.HostName : Connection.Reverse.Verified ? Connection.Reverse.Name : null,
        Helo = State.Helo,
        Protocol = Protocol(),
        Login = State.Login,
        LocalUid = Connection.LocalUid,
        TlsProtocol = State.Tls?.Protocol,
        TlsCipher = State.Tls?.Cipher,
        TlsBits = State.Tls?.Bits ?? 0,
        Tag = Connection.IsLocal ? Services.Config.LocalSubmission.Tag : Connection.Listener!.Tag,
    };

    /// <summary>RFC 3848, RFC 6531 s3.7.3. The kernel has vouched for a local client, which counts as authenticated.</summary>
    private string Protocol()
    {
        string name = Transaction?.Parameters.SmtpUtf8 == true ? "UTF8SMTP" : State.Esmtp ? "ESMTP" : "SMTP";
        string secure = State.Tls is null ? "" : "S";
        return name + secure + (State.Login is not null || Connection.IsLocal ? "A" : "");
    }

    /// <summary>Asks the listener's filters. Junk is noted here; a refusal comes back as the result; a rewrite as the new value.</summary>
    public async ValueTask<(CommandResult? Refusal, string? Rewritten)> AskPolicyAsync(FilterPhase phase, PolicySubject subject, CancellationToken cancellationToken)
    {
        if (Connection.FilterName is null)
            return (null, null);
        Verdict verdict = await Services.Policy.AskAsync(Connection.FilterName, phase, subject, cancellationToken);
        foreach (string report in verdict.Reports)
            Parts.Events.Trace("smtp", $"filter report: {report}");
        switch (verdict.Kind)
        {
            case VerdictKind.Reject or VerdictKind.Disconnect:
                Reply reply = Reply.FromText(verdict.Reply) ?? Replies.TemporaryError;
                bool closes = verdict.Kind == VerdictKind.Disconnect || reply.Code == 421;
                return (new CommandResult(closes ? reply.ThenClose() : reply, verdict.Rule.ToString()), null);
            case VerdictKind.Junk when Transaction is not null:
                Transaction.Junk = true;
                break;
            case VerdictKind.Junk:
                State.Junk = true;
                break;
            case VerdictKind.Rewrite:
                return (null, verdict.Reply);
        }
        return (null, null);
    }

    public PolicySubject Subject() => new()
    {
        Address = Connection.Remote?.Address,
        ReverseName = Connection.Reverse.Name,
        ReverseNameVerified = Connection.Reverse.Verified,
        Helo = State.Helo.Length == 0 ? null : State.Helo,
        Login = State.Login,
        ReversePath = Transaction?.ReversePath.ToString(),
    };

    /// <param name="said">The client's words, where they are worth a place in the log.</param>
    public void Abuse(string what, string said = "") => Parts.Events.Publish(new ProtocolAbuse(Connection.SessionId, what)
    {
        Said = said,
        At = Parts.Events.Now,
        Service = Connection.Service,
        Address = Connection.Remote?.Address,
        HostName = Connection.Reverse.Name,
    });

    /// <summary>Says the end of TLS, so that the client knows nothing was cut off (RFC 8446 s6.1); a client that does not read is not waited for.</summary>
    public async ValueTask EndTlsAsync()
    {
        if (_tls is not null)
            await Task.WhenAny(_tls.ShutdownAsync(), Task.Delay(s_tlsEnd, Parts.Clock));
    }

    public async ValueTask DisposeAsync()
    {
        Postfix.ClientEvents.Leave(this);
        await EndTransactionAsync();
        if (_tls is not null)
            await _tls.DisposeAsync();
    }
}
