using System.Globalization;
using System.Text;

namespace Estafette.Smtp;

/// <summary>
/// Prepares logins and passwords for SCRAM, so that both sides hash the same octets (RFC 4013). This is a subset: what RFC 4013 prohibits is refused; blanks and ignorable
/// characters are mapped; of NFKC the forms that keyboards produce (full-width ASCII, superscript digits, ordinals) are mapped, and characters that would need the whole
/// table (combining accents, ligatures, compatibility forms) are refused rather than hashed differently from the client. Text that is not prepared never fits.
/// </summary>
public static class SaslPrep
{
    /// <summary>False where the text is not UTF-8, empty, or holds what is refused.</summary>
    public static bool TryPrepare(ReadOnlySpan<byte> utf8, out byte[] prepared)
    {
        prepared = [];
        if (utf8.IsEmpty)
            return false;
        if (Ascii.IsValid(utf8))
        {
            if (utf8.ContainsAnyInRange((byte)0, (byte)31) || utf8.Contains((byte)127))
                return false;
            prepared = utf8.ToArray();
            return true;
        }
        // Never longer than the source: what is mapped gets shorter.
        byte[] room = new byte[utf8.Length];
        int length = 0;
        var direction = new Direction();
        bool good = true;
        while (!utf8.IsEmpty && good)
        {
            good = Rune.DecodeFromUtf8(utf8, out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done;
            utf8 = utf8[consumed..];
            if (!good || IsIgnored(rune.Value))
                continue;
            rune = new Rune(Mapped(rune.Value));
            good = !IsProhibited(rune) && !NeedsNormalization(rune.Value);
            direction.See(rune);
            length += rune.EncodeToUtf8(room.AsSpan(length));
        }
        if (good && length > 0 && direction.IsGood)
            prepared = room[..length];
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(room);
        return prepared.Length > 0;
    }

    /// <summary>RFC 3454 table B.1, without U+200B, which counts as a blank.</summary>
    private static bool IsIgnored(int c) => c is 0xAD or 0x34F or 0x1806 or (>= 0x180B and <= 0x180D) or 0x200C or 0x200D or 0x2060 or (>= 0xFE00 and <= 0xFE0F) or 0xFEFF;

    private static int Mapped(int c) => c switch
    {
        0xA0 or 0x1680 or (>= 0x2000 and <= 0x200B) or 0x202F or 0x205F or 0x3000 => ' ',
        >= 0xFF01 and <= 0xFF5E => c - 0xFEE0,
        0xAA => 'a',
        0xBA => 'o',
        0xB2 or 0xB3 => c - 0xB2 + '2',
        0xB9 => '1',
        0xB5 => 0x3BC,
        _ => c,
    };

    /// <summary>RFC 3454 tables C.2 to C.9; surrogates do not survive decoding.</summary>
    private static bool IsProhibited(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.PrivateUse or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format => true,
        _ => rune.Value is 0x340 or 0x341 or 0xFFFC or 0xFFFD or (>= 0x2FF0 and <= 0x2FFB) or (>= 0xFDD0 and <= 0xFDEF) || (rune.Value & 0xFFFE) == 0xFFFE,
    };

    /// <summary>What NFKC would change, or join with its neighbour, and this subset does not.</summary>
    private static bool NeedsNormalization(int c) => c is 0xA8 or 0xAF or 0xB4 or 0xB8 or (>= 0xBC and <= 0xBE) or (>= 0x300 and <= 0x36F) or (>= 0x1100 and <= 0x11FF)
        or (>= 0x2070 and <= 0x209F) or (>= 0x2100 and <= 0x214F) or (>= 0x2150 and <= 0x218B) or (>= 0x2460 and <= 0x24FF) or (>= 0x2E80 and <= 0x2FDF) or 0x3099 or 0x309A
        or (>= 0x3131 and <= 0x318E) or (>= 0x3200 and <= 0x33FF) or (>= 0xF900 and <= 0xFDFF) or (>= 0xFE10 and <= 0xFEFE) or (>= 0xFF00 and <= 0xFFEF) or (>= 0x1D400 and <= 0x1D7FF);

    /// <summary>RFC 3454 s6: text with a right-to-left letter has no left-to-right one, and begins and ends with its own kind. By blocks of scripts.</summary>
    private struct Direction
    {
        private bool _any, _leftToRight, _rightToLeft, _first, _last;

        public readonly bool IsGood => !_rightToLeft || (!_leftToRight && _first && _last);

        public void See(Rune rune)
        {
            bool letter = Rune.IsLetter(rune);
            bool right = letter && rune.Value is (>= 0x590 and <= 0x8FF) or (>= 0xFB1D and <= 0xFDFF) or (>= 0xFE70 and <= 0xFEFF) or (>= 0x10800 and <= 0x10FFF) or (>= 0x1E800 and <= 0x1EFFF);
            _leftToRight |= letter && !right;
            _rightToLeft |= right;
            if (!_any)
                _first = right;
            _any = true;
            _last = right;
        }
    }
}
