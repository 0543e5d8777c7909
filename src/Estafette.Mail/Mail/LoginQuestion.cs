using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Estafette.Mail;

/// <summary>
/// What the daemon asks the privileged side about a login, one line of its private dialect: <c>XAUTH =login password =host</c>, login and host in xtext, the password in
/// base64. Answered with 235, 535 or 454. Its text form shows no secret (E54); <see cref="Password"/> is to be cleared after use.
/// </summary>
public sealed record LoginQuestion(string Login, byte[] Password, string RemoteHost)
{
    /// <summary>So that a line with everything in it, encoded, stays below <see cref="LocalProtocol.MaximumLine"/>.</summary>
    public const int MaximumCredential = 1024;

    public static LocalReply Right { get; } = new(235, new(2, 7, 0), "right");
    public static LocalReply Wrong { get; } = new(535, new(5, 7, 8), "wrong");

    public static LocalReply Unavailable(string reason) => new(454, new(4, 7, 0), reason);

    /// <summary>The line with its end; to be cleared after use. Null where the login or the password is too long.</summary>
    public static byte[]? ToLine(string login, ReadOnlySpan<byte> password, string remoteHost)
    {
        if (Encoding.UTF8.GetByteCount(login) > MaximumCredential || password.Length > MaximumCredential || login.Contains('\0', StringComparison.Ordinal) || password.Contains((byte)0))
            return null;
        byte[] start = Encoding.ASCII.GetBytes("XAUTH =" + LocalProtocol.Xtext(login) + " "), end = Encoding.ASCII.GetBytes(" =" + LocalProtocol.Xtext(remoteHost) + "\r\n");
        byte[] line = new byte[start.Length + Base64.GetMaxEncodedToUtf8Length(password.Length) + end.Length];
        start.CopyTo(line, 0);
        Base64.EncodeToUtf8(password, line.AsSpan(start.Length), out _, out int encoded);
        end.CopyTo(line, start.Length + encoded);
        return line;
    }

    /// <summary>Reads a line without its end.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, [NotNullWhen(true)] out LoginQuestion? question)
    {
        question = null;
        Span<Range> parts = stackalloc Range[5];
        int count = 0;
        foreach (Range part in line.Split((byte)' '))
        {
            if (count == parts.Length)
                return false;
            parts[count++] = part;
        }
        if (count != 4 || !line[parts[0]].SequenceEqual("XAUTH"u8) || !TryText(line[parts[1]], out string login) || !TryText(line[parts[3]], out string host) || login.Length == 0)
            return false;
        byte[] room = new byte[Base64.GetMaxDecodedFromUtf8Length(line[parts[2]].Length)];
        bool good = Base64.DecodeFromUtf8(line[parts[2]], room, out _, out int length) == OperationStatus.Done && length is > 0 and <= MaximumCredential
            && !room.AsSpan(0, length).Contains((byte)0);
        if (good)
            question = new LoginQuestion(login, room[..length], host);
        Array.Clear(room);
        return good;
    }

    public override string ToString() => "login of " + Login;

    private static bool TryText(ReadOnlySpan<byte> word, out string text)
    {
        text = "";
        return !word.IsEmpty && word[0] == (byte)'=' && LocalProtocol.TryDecodeXtext(word[1..], out text);
    }
}
