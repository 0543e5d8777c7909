using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Estafette.Smtp;

/// <summary>What an exchange asks for next.</summary>
public abstract record SaslStep
{
    private SaslStep() { }

    /// <summary>Send <c>334</c> with this (base64 already) and feed the answer.</summary>
    public sealed record Challenge(string Base64) : SaslStep;

    /// <summary>The client's claim; nobody has checked it yet. <paramref name="Password"/> is to be cleared after use.</summary>
    public sealed record Claim(string Login, byte[] Password) : SaslStep
    {
        public override string ToString() => "Claim of " + Login;
    }

    /// <summary>The exchange needs what is stored of this login; <see cref="ScramServer.Provide"/> goes on.</summary>
    public sealed record NeedsVerifier(string Login) : SaslStep;

    /// <summary>The client has proved that it knows the password.</summary>
    public sealed record Proven(string Login) : SaslStep;

    /// <summary>The client's proof is wrong.</summary>
    public sealed record Refused(string Login) : SaslStep;

    /// <summary>The client broke the rules of the mechanism.</summary>
    public sealed record Malformed : SaslStep
    {
        public static Malformed Instance { get; } = new();
    }

    /// <summary>The client sent <c>*</c> (RFC 4954 s4).</summary>
    public sealed record Cancelled : SaslStep
    {
        public static Cancelled Instance { get; } = new();
    }
}

/// <summary>
/// The server's side of one AUTH exchange (RFC 4954 s4): fed with base64 lines, bounded by the caller's limit of a line. Pure; holds no secret after it has
/// handed its claim out (E10).
/// </summary>
public abstract class SaslServer
{
    /// <summary>Longest login and password; hashing a megabyte on a stranger's word is not for us.</summary>
    public const int MaximumCredential = 1024;

    public abstract string Mechanism { get; }

    /// <summary>PLAIN or LOGIN; null for everything else.</summary>
    public static SaslServer? Create(ReadOnlySpan<byte> mechanism)
    {
        if (Ascii.EqualsIgnoreCase(mechanism, "PLAIN"u8))
            return new Plain();
        return Ascii.EqualsIgnoreCase(mechanism, "LOGIN"u8) ? new Login() : null;
    }

    /// <summary>The first step, before the client has said anything beyond the mechanism.</summary>
    public abstract SaslStep Start();

    /// <summary>Feeds one line of the client. An initial response is fed without <see cref="Start"/>; <c>=</c> stands for an empty one.</summary>
    public SaslStep Feed(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual("*"u8))
            return SaslStep.Cancelled.Instance;
        if (line.SequenceEqual("="u8))
            line = default;
        byte[] decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(line.Length)];
        try
        {
            return Base64.DecodeFromUtf8(line, decoded, out _, out int length) == OperationStatus.Done
                ? Take(decoded.AsSpan(0, length))
                : SaslStep.Malformed.Instance;
        }
        finally
        {
            Array.Clear(decoded);
        }
    }

    private protected abstract SaslStep Take(ReadOnlySpan<byte> response);

    private static bool IsCredential(ReadOnlySpan<byte> text) =>
        text.Length is > 0 and <= MaximumCredential && !text.Contains((byte)0) && System.Text.Unicode.Utf8.IsValid(text);

    /// <summary>RFC 4616: <c>[authzid] NUL authcid NUL passwd</c>, exactly two NULs (E10). Acting for somebody else is not offered.</summary>
    private sealed class Plain : SaslServer
    {
        public override string Mechanism => "PLAIN";

        public override SaslStep Start() => new SaslStep.Challenge("");

        private protected override SaslStep Take(ReadOnlySpan<byte> response)
        {
            int first = response.IndexOf((byte)0);
            if (first < 0)
                return SaslStep.Malformed.Instance;
            ReadOnlySpan<byte> rest = response[(first + 1)..];
            int second = rest.IndexOf((byte)0);
            if (second < 0)
                return SaslStep.Malformed.Instance;
            ReadOnlySpan<byte> login = rest[..second];
            ReadOnlySpan<byte> password = rest[(second + 1)..];
            if (!IsCredential(login) || !IsCredential(password))
                return SaslStep.Malformed.Instance;
            if (first > 0 && !response[..first].SequenceEqual(login))
                return SaslStep.Malformed.Instance;
            return new SaslStep.Claim(Encoding.UTF8.GetString(login), password.ToArray());
        }
    }

    /// <summary>The old LOGIN: asks for the name, then for the password.</summary>
    private sealed class Login : SaslServer
    {
        private string? _login;

        public override string Mechanism => "LOGIN";

        public override SaslStep Start() => new SaslStep.Challenge("VXNlcm5hbWU6");

        private protected override SaslStep Take(ReadOnlySpan<byte> response)
        {
            if (!IsCredential(response))
                return SaslStep.Malformed.Instance;
            if (_login is not null)
                return new SaslStep.Claim(_login, response.ToArray());
            _login = Encoding.UTF8.GetString(response);
            return new SaslStep.Challenge("UGFzc3dvcmQ6");
        }
    }
}
