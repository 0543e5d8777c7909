using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Estafette.Config.Model;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>
/// Logins that Dovecot decides on: its mechanisms are offered and their messages passed through unread. Who the client is, Dovecot says (<c>user=</c>). Where it is away
/// the client hears 454, and what was offered last is offered still, so that clients do not take another road.
/// </summary>
internal sealed class DovecotLogins(DovecotService service, ImmutableArray<string> wanted) : LoginSource
{
    public override async ValueTask<ImmutableArray<string>> MechanismsAsync(LoginContext context, CancellationToken cancellationToken)
    {
        DovecotConnection? connection = await service.ConnectAsync(cancellationToken) ?? service.Last;
        ImmutableArray<DovecotMechanism> known = connection?.Mechanisms
            ?? [new DovecotMechanism(AuthMechanism.Plain, ["plaintext"]), new DovecotMechanism(AuthMechanism.Login, ["plaintext"])];
        return [.. known.Where(m => MayOffer(m, context)).Select(m => m.Name)];
    }

    public override AuthExchange Begin(string mechanism, LoginContext context) => new Exchange(service, mechanism, context);

    /// <summary>ANONYMOUS and EXTERNAL let in without a password: only where the listener names them.</summary>
    private bool MayOffer(DovecotMechanism mechanism, LoginContext context)
    {
        if (wanted.IsEmpty ? mechanism.Flags.Contains("private") || mechanism.Flags.Contains("anonymous") || mechanism.Name == "EXTERNAL" : !wanted.Contains(mechanism.Name))
            return false;
        // Bound to a channel that Dovecot does not see from here.
        if (mechanism.Name.EndsWith("-PLUS", StringComparison.Ordinal))
            return false;
        return context.MayAskPassword || !mechanism.Flags.Contains("plaintext");
    }

    private sealed class Exchange(DovecotService service, string mechanism, LoginContext context) : AuthExchange
    {
        /// <summary>Dovecot answers a wrong password after a pause of its own, up to 17 seconds for hosts that guess.</summary>
        private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(60);

        private DovecotConnection? _connection;
        private uint _request;
        private bool _open;

        public override async ValueTask<AuthStep> TakeAsync(ReadOnlyMemory<byte>? line, CancellationToken cancellationToken)
        {
            if (line is { } given && given.Span.SequenceEqual("*"u8))
                return AuthStep.Cancelled.Instance;
            if (!TryText(line, out string? text))
                return AuthStep.Malformed.Instance;
            if (_connection is null)
            {
                DovecotConnection? connection = await service.ConnectAsync(cancellationToken);
                if (connection?.Begin() is not { } request)
                    return new AuthStep.Unavailable(connection is null ? service.Failure : "too many logins at once");
                _connection = connection;
                _request = request;
                return await AskAsync(BeginLine(text), cancellationToken);
            }
            return await AskAsync(DovecotLine.Join("CONT", Number(), text ?? ""), cancellationToken);
        }

        public override void Dispose()
        {
            if (_open)
                _ = _connection!.TellAsync(DovecotLine.Join("CANCEL", Number())).AsTask();
            _connection?.End();
        }

        private async ValueTask<AuthStep> AskAsync(string question, CancellationToken cancellationToken)
        {
            if (question.Length > DovecotConnection.MaximumLine)
                return AuthStep.Malformed.Instance;
            _open = true;
            DovecotReply? reply;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(s_answer);
            try
            {
                reply = await _connection!.AskAsync(_request, question, limit.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return new AuthStep.Unavailable("Dovecot did not answer in time");
            }
            _open = reply?.Kind == "CONT";
            return reply switch
            {
                null => new AuthStep.Unavailable("the connection to Dovecot broke"),
                { Kind: "CONT" } => Challenge(reply.Fields.Length > 0 ? reply.Fields[0] : ""),
                { Kind: "OK" } => DovecotLine.Value(reply.Fields, "user") is { Length: > 0 and <= SaslServer.MaximumCredential } user && !user.Any(char.IsControl)
                    ? new AuthStep.Succeeded(user)
                    : new AuthStep.Unavailable("Dovecot names no user"),
                _ when reply.Fields.Contains("temp") || DovecotLine.Value(reply.Fields, "code") == "temp_fail" =>
                    new AuthStep.Unavailable("Dovecot cannot tell now" + (DovecotLine.Value(reply.Fields, "reason") is { } reason ? ": " + reason : "")),
                _ => new AuthStep.Failed(DovecotLine.Value(reply.Fields, "user")),
            };
        }

        /// <summary>Goes to the client as a line: anything but base64 would be one of its own.</summary>
        private static AuthStep Challenge(string text) => text.Length == 0 || Base64.IsValid(text) ? new AuthStep.Challenge(text) : new AuthStep.Unavailable("Dovecot's challenge is no base64");

        private string BeginLine(string? initial)
        {
            var fields = new List<string> { "AUTH", Number(), mechanism, "service=smtp", "nologin" };
            if (context.IsSecure)
                fields.Add("secured");
            Add(fields, "l", context.Local);
            Add(fields, "r", context.Remote);
            if (initial is not null)
                fields.Add("resp=" + initial);
            return DovecotLine.Join([.. fields]);
        }

        private static void Add(List<string> fields, string side, IPEndPoint? point)
        {
            if (point is null)
                return;
            fields.Add($"{side}ip={point.Address}");
            fields.Add(string.Create(CultureInfo.InvariantCulture, $"{side}port={point.Port}"));
        }

        private string Number() => _request.ToString(CultureInfo.InvariantCulture);

        /// <summary>Base64 and nothing else reaches Dovecot. Null where the client said nothing; <c>=</c> stands for an empty response.</summary>
        private static bool TryText(ReadOnlyMemory<byte>? line, out string? text)
        {
            text = null;
            if (line is not { } given)
                return true;
            text = given.Span.SequenceEqual("="u8) ? "" : Encoding.ASCII.GetString(given.Span);
            return text.Length == 0 || (Base64.IsValid(given.Span) && !given.Span.ContainsAny(" \t\r\n"u8));
        }
    }
}
