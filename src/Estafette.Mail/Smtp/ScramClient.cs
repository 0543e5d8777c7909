using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS with <c>tls-server-end-point</c> (RFC 5802, RFC 7677, RFC 5929). Pure but for the nonce. The server must prove that
/// it knows the password too: <see cref="IsProven"/> stays false until its signature was right. A count of iterations outside the bounds ends the exchange: too few
/// help whoever reads along to guess the password, too many burn our CPU.
/// </summary>
internal sealed class ScramClient
{
    private const int LongestMessage = 4096;
    private const int NonceLength = 18;
    private const string EndPointBinding = "p=tls-server-end-point,,";

    private readonly SaslCredentials _credentials;
    private readonly string _header;
    private readonly byte[] _binding;
    private readonly string _nonce;
    private readonly string _bare;
    private byte[] _expected = [];
    private int _step;

    /// <param name="credentials">Login and password; what SASLprep does not take is used as it is, as servers without it do.</param>
    /// <param name="binding">The hash of the server's certificate for PLUS; null without.</param>
    /// <param name="couldBind">We could have bound the exchange, but the server offered no PLUS (RFC 5802 s6): a server that did offer it learns of the lie.</param>
    public ScramClient(SaslCredentials credentials, byte[]? binding, bool couldBind)
        : this(credentials, binding, couldBind, Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceLength)))
    {
    }

    internal ScramClient(SaslCredentials credentials, byte[]? binding, bool couldBind, string nonce)
    {
        _credentials = credentials;
        _header = binding is not null ? EndPointBinding : couldBind ? "y,," : "n,,";
        _binding = binding ?? [];
        _nonce = nonce;
        byte[] user = Prepared(credentials.User);
        string name = Encoding.UTF8.GetString(user).Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);
        _bare = "n=" + name + ",r=" + nonce;
    }

    /// <summary>The server has shown that it knows the password.</summary>
    public bool IsProven { get; private set; }

    /// <summary>Why the exchange was ended from our side; null while it was not.</summary>
    public string? Fault { get; private set; }

    public string First() => _header + _bare;

    /// <summary>The answer to the server's message; null ends the exchange.</summary>
    public string? Answer(string message)
    {
        _step++;
        if (message.Length > LongestMessage)
            return Failed("sent an oversized SCRAM message");
        return _step switch
        {
            1 => Final(message),
            2 => Confirmation(message),
            _ => Failed("went on after the SCRAM exchange was over"),
        };
    }

    private string? Final(string first)
    {
        string[] parts = first.Split(',');
        byte[] salt = new byte[first.Length];
        if (parts.Length < 3 || !parts[0].StartsWith("r=", StringComparison.Ordinal) || !parts[1].StartsWith("s=", StringComparison.Ordinal) || !parts[2].StartsWith("i=", StringComparison.Ordinal)
            || !Convert.TryFromBase64String(parts[1][2..], salt, out int length) || length == 0
            || !int.TryParse(parts[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations))
            return Failed("sent something that is no SCRAM message");
        string nonce = parts[0][2..];
        if (nonce.Length <= _nonce.Length || !nonce.StartsWith(_nonce, StringComparison.Ordinal))
            return Failed("did not take up our nonce in the SCRAM exchange");
        if (iterations is < ScramVerifier.MinimumIterations or > ScramVerifier.MaximumIterations)
            return Failed($"asks for {iterations} SCRAM iterations, which is outside {ScramVerifier.MinimumIterations} to {ScramVerifier.MaximumIterations}");
        byte[] header = Encoding.UTF8.GetBytes(_header);
        string final = "c=" + Convert.ToBase64String([.. header, .. _binding]) + ",r=" + nonce;
        return final + ",p=" + Convert.ToBase64String(Prove(Encoding.UTF8.GetBytes(_bare + "," + first + "," + final), salt.AsSpan(0, length), iterations));
    }

    /// <summary>The proof for the server; what it has to prove is kept.</summary>
    private byte[] Prove(byte[] transcript, ReadOnlySpan<byte> salt, int iterations)
    {
        byte[] password = Prepared(_credentials.Password);
        using var keys = new ScramKeys(password, salt, iterations);
        CryptographicOperations.ZeroMemory(password);
        _expected = keys.Signature(transcript);
        return keys.Proof(transcript);
    }

    private string? Confirmation(string message)
    {
        if (message.StartsWith("e=", StringComparison.Ordinal))
            return Failed("ended the SCRAM exchange: " + PeerText.Escape(message[2..]));
        byte[] signature = new byte[message.Length];
        IsProven = message.StartsWith("v=", StringComparison.Ordinal) && Convert.TryFromBase64String(message[2..].Split(',')[0], signature, out int length)
            && CryptographicOperations.FixedTimeEquals(signature.AsSpan(0, length), _expected);
        return IsProven ? "" : Failed("could not prove that it knows the password");
    }

    private string? Failed(string fault)
    {
        IsProven = false;
        Fault = fault;
        return null;
    }

    private static byte[] Prepared(string text)
    {
        byte[] octets = Encoding.UTF8.GetBytes(text);
        return SaslPrep.TryPrepare(octets, out byte[] prepared) ? prepared : octets;
    }
}
