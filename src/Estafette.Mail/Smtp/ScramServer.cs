using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677). After the client's first message it asks for the login's verifier
/// (<see cref="SaslStep.NeedsVerifier"/>), which the caller hands in with <see cref="Provide"/>; a login that does not exist goes the same way with an imaginary one, and
/// fails at the end like a wrong password. A client that says it saw no PLUS where it was offered has been lied to, and fails.
/// </summary>
public sealed class ScramServer : SaslServer
{
    private const int MaximumNonce = 512;
    private const int NonceLength = 18;

    private readonly bool _plus;
    private readonly ChannelBindings _bindings;
    private readonly string _serverNonce;
    private State _state;
    private string _login = "";
    private string _header = "";
    private string _bare = "";
    private string _nonce = "";
    private string _serverFirst = "";
    private byte[] _binding = [];
    private ScramVerifier? _verifier;
    private bool _exists;

    private enum State : byte { ClientFirst, Verifier, ClientFinal, Confirmation, Over }

    /// <param name="plus">Whether the client chose the mechanism with channel binding.</param>
    /// <param name="bindings">What the connection can be bound by.</param>
    public ScramServer(bool plus, ChannelBindings bindings)
        : this(plus, bindings, Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceLength)))
    {
    }

    internal ScramServer(bool plus, ChannelBindings bindings, string serverNonce)
    {
        _plus = plus;
        _bindings = bindings;
        _serverNonce = serverNonce;
    }

    public override string Mechanism => _plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";

    /// <summary>Set where PLUS was among the mechanisms that this client was offered.</summary>
    public bool OfferedPlus { get; init; }

    public override SaslStep Start() => new SaslStep.Challenge("");

    /// <summary>Goes on after <see cref="SaslStep.NeedsVerifier"/>. <paramref name="exists"/> is false for a made-up one: then nothing fits.</summary>
    public SaslStep Provide(ScramVerifier verifier, bool exists)
    {
        if (_state != State.Verifier)
            throw new InvalidOperationException("no verifier was asked for");
        _verifier = verifier;
        _exists = exists;
        _serverFirst = string.Create(CultureInfo.InvariantCulture, $"r={_nonce},s={Convert.ToBase64String(verifier.Salt)},i={verifier.Iterations}");
        _state = State.ClientFinal;
        return Challenge(_serverFirst);
    }

    private protected override SaslStep Take(ReadOnlySpan<byte> response)
    {
        State state = _state;
        // Whatever goes wrong from here on, there is no second try within this exchange.
        _state = State.Over;
        if (state == State.Confirmation)
            return response.IsEmpty ? new SaslStep.Proven(_login) : SaslStep.Malformed.Instance;
        if (!System.Text.Unicode.Utf8.IsValid(response) || response.Contains((byte)0))
            return SaslStep.Malformed.Instance;
        string message = Encoding.UTF8.GetString(response);
        return state switch
        {
            State.ClientFirst => TakeFirst(message),
            State.ClientFinal => TakeFinal(message),
            _ => SaslStep.Malformed.Instance,
        };
    }

    /// <summary><c>gs2-header [reserved-mext ","] username "," nonce ["," extensions]</c>.</summary>
    private SaslStep TakeFirst(string message)
    {
        string[] parts = message.Split(',');
        if (parts.Length < 4 || !TryBinding(parts[0]) || !TryName(parts[2], "n=", out byte[] login) || !SaslPrep.TryPrepare(login, out byte[] prepared))
            return SaslStep.Malformed.Instance;
        // Acting for somebody else is not offered; naming oneself is harmless.
        if (parts[1].Length > 0 && !(TryName(parts[1], "a=", out byte[] other) && other.AsSpan().SequenceEqual(login)))
            return SaslStep.Malformed.Instance;
        if (!parts[3].StartsWith("r=", StringComparison.Ordinal) || !IsNonce(parts[3].AsSpan(2)) || !parts.Skip(4).All(IsExtension))
            return SaslStep.Malformed.Instance;
        _login = Encoding.UTF8.GetString(prepared);
        _header = parts[0] + "," + parts[1] + ",";
        _bare = message[_header.Length..];
        _nonce = parts[3][2..] + _serverNonce;
        _state = State.Verifier;
        return new SaslStep.NeedsVerifier(_login);
    }

    /// <summary>The gs2-cbind-flag must fit the mechanism, and must not tell of a server that did not offer PLUS where we did (RFC 5802 s6).</summary>
    private bool TryBinding(string flag)
    {
        if (!_plus)
            return flag == "n" || (flag == "y" && !OfferedPlus);
        if (!flag.StartsWith("p=", StringComparison.Ordinal) || _bindings.Find(flag[2..]) is not { } data)
            return false;
        _binding = data;
        return true;
    }

    /// <summary><c>channel-binding "," nonce ["," extensions] "," proof</c>.</summary>
    private SaslStep TakeFinal(string message)
    {
        int proofAt = message.LastIndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0)
            return SaslStep.Malformed.Instance;
        string[] parts = message[..proofAt].Split(',');
        if (parts.Length < 2 || !parts[0].StartsWith("c=", StringComparison.Ordinal) || !parts[1].StartsWith("r=", StringComparison.Ordinal) || !parts.Skip(2).All(IsExtension)
            || !TryDecode(parts[0][2..], out byte[] bound) || !TryDecode(message[(proofAt + 3)..], out byte[] proof) || proof.Length != ScramKeys.Length)
            return SaslStep.Malformed.Instance;
        byte[] expected = [.. Encoding.UTF8.GetBytes(_header), .. _binding];
        bool good = CryptographicOperations.FixedTimeEquals(bound, expected);
        good &= CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(parts[1][2..]), Encoding.UTF8.GetBytes(_nonce));
        byte[] transcript = Encoding.UTF8.GetBytes(_bare + "," + _serverFirst + "," + message[..proofAt]);
        good &= ScramKeys.ProofFits(_verifier!.StoredKey, transcript, proof);
        if (!good || !_exists)
            return new SaslStep.Refused(_login);
        _state = State.Confirmation;
        return Challenge("v=" + Convert.ToBase64String(ScramKeys.Signature(_verifier.ServerKey, transcript)));
    }

    private static SaslStep.Challenge Challenge(string text) => new(Convert.ToBase64String(Encoding.UTF8.GetBytes(text)));

    /// <summary>A saslname: <c>=2C</c> and <c>=3D</c> stand for a comma and an equals sign, any other equals sign is an error.</summary>
    private static bool TryName(string part, string key, out byte[] name)
    {
        name = [];
        if (!part.StartsWith(key, StringComparison.Ordinal))
            return false;
        string text = part[key.Length..];
        string plain = text.Replace("=2C", "", StringComparison.Ordinal).Replace("=3D", "", StringComparison.Ordinal);
        if (text.Length == 0 || plain.Contains('=', StringComparison.Ordinal))
            return false;
        name = Encoding.UTF8.GetBytes(text.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal));
        return name.Length <= MaximumCredential;
    }

    private static bool IsNonce(ReadOnlySpan<char> nonce) => nonce.Length is > 0 and <= MaximumNonce && !nonce.ContainsAnyExceptInRange('!', '~');

    /// <summary>Optional extensions are passed over; a mandatory one (<c>m=</c>) is an error.</summary>
    private static bool IsExtension(string part) => part.Length > 2 && char.IsAsciiLetter(part[0]) && part[0] != 'm' && part[1] == '=';

    private static bool TryDecode(string base64, out byte[] octets)
    {
        byte[] room = new byte[base64.Length];
        bool good = Convert.TryFromBase64String(base64, room, out int length);
        octets = room[..length];
        return good;
    }
}
