namespace Estafette.Mail;

/// <summary>One field of a header block. <see cref="Whole"/> has everything as it came, line ends included; <see cref="Value"/> is folded, without the last line end.</summary>
public readonly ref struct HeaderField(ReadOnlySpan<byte> whole, int nameLength, int valueStart, int valueEnd)
{
    public ReadOnlySpan<byte> Whole { get; } = whole;

    /// <summary>Empty for a line that is no field, such as a mailbox's "From " line.</summary>
    public ReadOnlySpan<byte> Name => Whole[..nameLength];
    public ReadOnlySpan<byte> Value => Whole[valueStart..valueEnd];

    /// <summary>Name, blanks and colon as they came.</summary>
    public ReadOnlySpan<byte> Head => Whole[..valueStart];

    /// <summary>The line end behind the value; empty where the block was cut.</summary>
    public ReadOnlySpan<byte> LineEnd => Whole[valueEnd..];
    public KnownField Known => FieldNames.Identify(Name);
}

/// <summary>The fields of a complete header block (without the empty line behind it), in order: <c>foreach (HeaderField field in new HeaderFields(block))</c>.</summary>
public ref struct HeaderFields(ReadOnlySpan<byte> block)
{
    private ReadOnlySpan<byte> _rest = block;
    private ReadOnlySpan<byte> _whole;

    public readonly HeaderFields GetEnumerator() => this;

    public readonly HeaderField Current
    {
        get
        {
            int valueEnd = _whole.Length;
            if (_whole.EndsWith("\r\n"u8))
                valueEnd -= 2;
            else if (_whole.EndsWith("\n"u8))
                valueEnd--;
            int name = 0;
            while (name < valueEnd && name < FieldNames.MaximumLength && FieldNames.IsNameOctet(_whole[name]))
                name++;
            int colon = name;
            while (colon < valueEnd && _whole[colon] is (byte)' ' or (byte)'\t')
                colon++;
            return name > 0 && colon < valueEnd && _whole[colon] == (byte)':'
                ? new HeaderField(_whole, name, colon + 1, valueEnd)
                : new HeaderField(_whole, 0, 0, valueEnd);
        }
    }

    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        int end = 0;
        do
        {
            int newLine = _rest[end..].IndexOf((byte)'\n');
            end = newLine < 0 ? _rest.Length : end + newLine + 1;
        }
        while (end < _rest.Length && _rest[end] is (byte)' ' or (byte)'\t');
        _whole = _rest[..end];
        _rest = _rest[end..];
        return true;
    }
}
