using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// What a command line looks like in logs and traces; never a secret (E54). Nothing behind AUTH is told, wherever in the line it stands. Clients that go on with their
/// login although AUTH was refused send it as commands that nobody knows: behind an AUTH of the same session those are not told at all.
/// </summary>
public static class CommandText
{
    private const int Longest = 512;
    private const string Hidden = "(hidden)";

    /// <param name="line">The line without its end.</param>
    /// <param name="afterLogin">The client has said AUTH in this session before.</param>
    public static string ForLog(ReadOnlyMemory<byte> line, bool afterLogin)
    {
        ReadOnlySpan<byte> octets = line.Span;
        if (IsLogin(octets))
            return "AUTH";
        if (afterLogin && CommandParser.Parse(line).Verb is SmtpVerb.Unknown or SmtpVerb.Foreign)
            return Hidden;
        for (int i = 0; i < octets.Length; i++)
        {
            if (IsBlank(octets[i]) && IsAuthWord(octets[(i + 1)..]))
                return Text(octets[..i]) + " AUTH " + Hidden;
        }
        return Text(octets);
    }

    /// <summary>AUTH, with blanks before it or without one behind it too: what no server understands still holds the password.</summary>
    public static bool IsLogin(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> word = line.TrimStart(" \t"u8);
        return word.Length >= 4 && Ascii.EqualsIgnoreCase(word[..4], "AUTH"u8);
    }

    private static bool IsAuthWord(ReadOnlySpan<byte> rest) =>
        rest.Length > 4 && Ascii.EqualsIgnoreCase(rest[..4], "AUTH"u8) && (IsBlank(rest[4]) || rest[4] == '=');

    private static bool IsBlank(byte octet) => octet is (byte)' ' or (byte)'\t';

    private static string Text(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line[..Math.Min(line.Length, Longest)]);
}
