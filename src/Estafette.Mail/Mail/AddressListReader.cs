using System.Collections.Immutable;
using System.Text;

namespace Estafette.Mail;

/// <summary>The state of one pass over an address list: an octet class decides, a counter stands for nested comments.</summary>
internal ref struct AddressListReader(ReadOnlySpan<byte> text)
{
    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly ReadOnlySpan<byte> _text = text;
    private readonly ImmutableArray<ListedAddress>.Builder _addresses = ImmutableArray.CreateBuilder<ListedAddress>();
    private readonly MemoryStream _local = new();
    private readonly MemoryStream _domain = new();
    private int _at;
    private bool _malformed;

    // The element between two commas.
    private bool _elementMalformed;
    private bool _inAngle;
    private bool _afterAngle;
    private bool _phrase;

    // The addr-spec that is being read in it.
    private bool _inDomain;
    private bool _route;
    private bool _quoted;
    private bool _wordEnded;
    private int _start = -1;
    private int _end;

    public AddressList Read()
    {
        while (_at < _text.Length && _addresses.Count < AddressList.MaximumAddresses)
            Step(_text[_at]);
        _malformed |= _at < _text.Length;
        EndElement();
        return new AddressList(_addresses.ToImmutable(), _malformed);
    }

    private void Step(byte octet)
    {
        switch (octet)
        {
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                _wordEnded = true;
                _at++;
                break;
            case (byte)'(':
                SkipComment();
                _wordEnded = true;
                break;
            case (byte)'"':
                ReadQuoted();
                break;
            case (byte)'[':
                ReadLiteral();
                break;
            case (byte)',' when _inAngle:
                // Only a route has commas inside the brackets (RFC 5322 s4.4).
                _elementMalformed |= !_route;
                _at++;
                break;
            case (byte)',' or (byte)';':
                EndElement();
                _at++;
                break;
            case (byte)':':
                // The end of a group's name, or of a route.
                _elementMalformed = _inAngle && !_route;
                ResetSpec();
                _phrase = false;
                _at++;
                break;
            case (byte)'<':
                _elementMalformed = _inAngle || _afterAngle;
                ResetSpec();
                _inAngle = true;
                _at++;
                break;
            case (byte)'>':
                CloseAngle();
                _at++;
                break;
            case (byte)'@':
                ReadAt();
                break;
            case (byte)'\\' when _at + 1 < _text.Length && _text[_at + 1] is >= 32 and not 127:
                // Old mail escapes a character of a local part outside quotes; a domain has none to escape.
                _elementMalformed |= _inDomain;
                _at++;
                ReadAtom(1);
                break;
            case < 32 or 127 or (byte)')' or (byte)']' or (byte)'\\':
                _elementMalformed = true;
                _at++;
                break;
            default:
                ReadAtom(0);
                break;
        }
    }

    private void SkipComment()
    {
        int depth = 0;
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '\\')
                _at++;
            else if (_text[_at] == '(')
                depth++;
            else if (_text[_at] == ')' && --depth == 0)
            {
                _at++;
                return;
            }
        }
        _at = _text.Length;
        _elementMalformed = true;
    }

    private void ReadQuoted()
    {
        BeginWord(false);
        _quoted = true;
        MemoryStream part = _inDomain ? _domain : _local;
        _elementMalformed |= _inDomain;
        for (_at++; _at < _text.Length; _at++)
        {
            byte octet = _text[_at];
            if (octet == '"')
            {
                _end = ++_at;
                return;
            }
            if (octet == '\\' && _at + 1 < _text.Length)
                octet = _text[++_at];
            if (octet is (byte)'\r' or (byte)'\n')
                continue;
            Append(part, octet);
        }
        _elementMalformed = true;
    }

    private void ReadLiteral()
    {
        _elementMalformed |= !_inDomain || _domain.Length > 0;
        for (; _at < _text.Length; _at++)
        {
            byte octet = _text[_at];
            if (octet is > 32 and < 127)
                Append(_domain, octet);
            if (octet == ']')
            {
                _end = ++_at;
                return;
            }
        }
        _elementMalformed = true;
    }

    private void ReadAt()
    {
        if (_inAngle && _start < 0)
            _route = true;
        else if (!_route)
        {
            _elementMalformed |= _inDomain || _start < 0;
            _inDomain = true;
            _end = _at + 1;
        }
        _wordEnded = false;
        _at++;
    }

    /// <summary>A run of atom octets and dots; the first <paramref name="escaped"/> of them stand for themselves whatever they are.</summary>
    private void ReadAtom(int escaped)
    {
        int end = _at + escaped;
        while (end < _text.Length && IsAtom(_text[end]))
            end++;
        ReadOnlySpan<byte> atom = _text[_at..end];
        if (!_route)
        {
            _at -= escaped;
            BeginWord(atom[0] == '.');
            _at += escaped;
            MemoryStream part = _inDomain ? _domain : _local;
            if (part.Length + atom.Length <= AddressList.MaximumAddressLength)
                part.Write(atom);
            else
                _elementMalformed = true;
            _end = end;
        }
        _at = end;
    }

    /// <summary>Two words side by side are a name; then the address starts anew with the second.</summary>
    private void BeginWord(bool startsWithDot)
    {
        MemoryStream part = _inDomain ? _domain : _local;
        bool apart = _wordEnded && part.Length > 0 && !startsWithDot && !EndsWithDot(part);
        if (apart || _afterAngle)
        {
            _elementMalformed |= _inAngle || _inDomain || _afterAngle;
            ResetSpec();
            _phrase = true;
        }
        _wordEnded = false;
        if (_start < 0)
            _start = _at;
    }

    private static bool EndsWithDot(MemoryStream part) => part.GetBuffer()[part.Length - 1] == '.';

    private void CloseAngle()
    {
        if (!_inAngle)
        {
            _elementMalformed = true;
            return;
        }
        _phrase = false;
        Emit();
        _inAngle = false;
        _afterAngle = true;
    }

    private void EndElement()
    {
        if (_inAngle)
            _elementMalformed = true;
        else if (!_afterAngle)
            Emit();
        _malformed |= _elementMalformed;
        _elementMalformed = _inAngle = _afterAngle = _phrase = false;
        ResetSpec();
    }

    private void Emit()
    {
        // A route that no colon ended has no address behind it.
        _elementMalformed |= _route;
        if (_start < 0 && !_inDomain)
            return;
        _elementMalformed |= (_phrase && !_inDomain) || (_local.Length == 0 && !(_quoted && _inDomain)) || (_inDomain && !IsDomain(_domain.GetBuffer().AsSpan(0, (int)_domain.Length)));
        if (!_elementMalformed && TryDecode(_local, out string local) && TryDecode(_domain, out string domain))
            _addresses.Add(new ListedAddress(new MailAddress(local, domain.TrimEnd('.')), _start, _end));
        _malformed |= _elementMalformed;
        ResetSpec();
    }

    private static bool IsDomain(ReadOnlySpan<byte> domain) =>
        !domain.IsEmpty && domain[0] != '.' && domain.IndexOf(".."u8) < 0 && (domain[0] == '[') == (domain[^1] == ']');

    private bool TryDecode(MemoryStream part, out string text)
    {
        ReadOnlySpan<byte> octets = part.GetBuffer().AsSpan(0, (int)part.Length);
        bool valid = System.Text.Unicode.Utf8.IsValid(octets);
        _elementMalformed |= !valid;
        text = valid ? Strict.GetString(octets) : "";
        return valid;
    }

    private void Append(MemoryStream part, byte octet)
    {
        if (part.Length < AddressList.MaximumAddressLength && octet >= 32 && octet != 127)
            part.WriteByte(octet);
        else
            _elementMalformed = true;
    }

    private void ResetSpec()
    {
        _local.SetLength(0);
        _domain.SetLength(0);
        _inDomain = _route = _quoted = _wordEnded = false;
        _start = -1;
        _end = 0;
    }

    private static bool IsAtom(byte octet) => octet > 32 && octet != 127 && !"()<>[]:;@\\,\""u8.Contains(octet);
}
