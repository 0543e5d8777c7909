using System.Text;

namespace Estafette.Local.Mailboxes;

/// <summary>Looks for a field that marks a message as junk (<c>X-Spam: Yes</c>, <c>X-Spam-Flag: Yes</c>) in the header as it goes by.</summary>
internal sealed class JunkMark
{
    private readonly byte[] _line = new byte[32];
    private int _length;
    private bool _over;

    public bool IsJunk { get; private set; }

    public void Look(ReadOnlySpan<byte> text)
    {
        while (!_over && !text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> part = end < 0 ? text : text[..end];
            part[..Math.Min(part.Length, _line.Length - _length)].CopyTo(_line.AsSpan(_length));
            _length = Math.Min(_length + part.Length, _line.Length);
            if (end < 0)
                return;
            ReadOnlySpan<byte> line = _line.AsSpan(0, _length);
            _over = line.IsEmpty;
            IsJunk |= Ascii.EqualsIgnoreCase(line, "X-Spam: yes"u8) || Ascii.EqualsIgnoreCase(line, "X-Spam-Flag: yes"u8);
            _length = 0;
            text = text[(end + 1)..];
        }
    }
}
