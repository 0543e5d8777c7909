using System.Buffers.Text;
using System.Text;

namespace Estafette.Smtp;

/// <summary>The argument of BDAT: <c>size [LAST]</c> (RFC 3030 s2). Pure.</summary>
public readonly record struct BdatCommand(long Size, bool Last)
{
    /// <summary>Digits that a size may have; more cannot be counted (E48).</summary>
    private const int MaximumDigits = 18;

    public static bool TryParse(ReadOnlySpan<byte> argument, out BdatCommand command)
    {
        command = default;
        int blank = argument.IndexOf((byte)' ');
        ReadOnlySpan<byte> number = blank < 0 ? argument : argument[..blank];
        ReadOnlySpan<byte> word = blank < 0 ? default : argument[(blank + 1)..].TrimStart((byte)' ');
        if (number.Length is 0 or > MaximumDigits || number.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
            return false;
        if (!word.IsEmpty && !Ascii.EqualsIgnoreCase(word, "LAST"u8))
            return false;
        if (!Utf8Parser.TryParse(number, out long size, out _))
            return false;
        command = new BdatCommand(size, !word.IsEmpty);
        return true;
    }
}
