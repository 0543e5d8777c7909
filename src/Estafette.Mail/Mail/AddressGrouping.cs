namespace Estafette.Mail;

/// <summary>
/// Finds the addresses in a chain of tokens, from right to left: what stands between the token that is looked at and the edge on its right becomes an address when a separator comes. Commas
/// that are missing between words are added; comments go behind the address they stand in; the name before angle brackets and a group's name stay as they are. One pass.
/// </summary>
internal ref struct AddressGrouping
{
    private readonly HeaderToken _head = new(HeaderTokenKind.Edge);
    private HeaderToken _right = new(HeaderTokenKind.Edge);
    private HeaderToken _at;
    private bool _mayBeWord = true;
    private bool _inGroup;

    private AddressGrouping((HeaderToken? First, HeaderToken? Last) chain)
    {
        HeaderToken.Join(_head, chain.First);
        HeaderToken.Join(chain.Last, _right);
        _at = chain.Last!;
    }

    /// <summary>The first token of the grouped chain; null where it is empty.</summary>
    public static HeaderToken? Group((HeaderToken? First, HeaderToken? Last) chain)
    {
        if (chain.First is null)
            return null;
        var grouping = new AddressGrouping(chain);
        HeaderToken tail = grouping._right;
        while (grouping._at.Kind != HeaderTokenKind.Edge)
            grouping.Step();
        grouping.Close(grouping._at, addComma: false);
        HeaderToken? first = grouping._head.Next == tail ? null : grouping._head.Next;
        grouping._head.Leave();
        tail.Leave();
        return first;
    }

    private void Step()
    {
        HeaderToken token = _at;
        if (token.Kind == HeaderTokenKind.Comment)
        {
            MoveComment();
            return;
        }
        if (token.Is(';'))
        {
            _right = Close(token, addComma: true);
            _inGroup = _mayBeWord = true;
        }
        else if (token.Is(':') && _inGroup)
        {
            token.Kind = HeaderTokenKind.GroupStart;
            Close(token, addComma: false);
            while (_at.Kind != HeaderTokenKind.Edge && !_at.Is(','))
                _at = _at.Previous!;
            _right = _at;
            return;
        }
        else if (token.Is('>'))
        {
            TakeAngle(token);
            return;
        }
        else if (token.IsWord)
        {
            if (!_mayBeWord)
                _right = Close(token, addComma: true).Next!;
            _mayBeWord = false;
        }
        else if (token.Is(','))
        {
            _right = Close(token, addComma: false);
            _mayBeWord = true;
        }
        else
            _mayBeWord = true;
        _at = token.Previous!;
    }

    private void TakeAngle(HeaderToken close)
    {
        _right = Close(close, addComma: true);
        while (_at.Kind != HeaderTokenKind.Edge && !_at.Is('<'))
        {
            if (_at.Kind == HeaderTokenKind.Comment)
                MoveComment();
            else
                _at = _at.Previous!;
        }
        Close(_at, addComma: false);
        while (_at.Kind != HeaderTokenKind.Edge && !_at.Is('>') && !_at.Is(';') && !_at.Is(',') && !_at.Is(':'))
            _at = _at.Previous!;
        _right = _at;
        _mayBeWord = true;
    }

    private void MoveComment()
    {
        HeaderToken comment = _at;
        _at = comment.Previous!;
        comment.Leave();
        HeaderToken.Join(_right.Previous, comment);
        HeaderToken.Join(comment, _right);
        _right = comment;
    }

    /// <summary>Makes an address of what stands between a token and the right edge; a comma before it where one is missing.</summary>
    private readonly HeaderToken Close(HeaderToken left, bool addComma)
    {
        if (left == _right || left.Next == _right)
            return left;
        HeaderToken first = left.Next!;
        HeaderToken last = _right.Previous!;
        HeaderToken.Join(null, first);
        HeaderToken.Join(last, null);
        var address = new HeaderToken(HeaderTokenKind.Address) { Inner = first };
        HeaderToken.Join(left, address);
        HeaderToken.Join(address, _right);
        if (addComma)
        {
            var comma = new HeaderToken(HeaderTokenKind.Operator, "", ',');
            HeaderToken.Join(left, comma);
            HeaderToken.Join(comma, address);
        }
        return left;
    }
}
