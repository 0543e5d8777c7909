using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Walks over the items of one statement. It remembers which words were asked for at the present place, so that a word nobody knows
/// is told together with what was possible and what was probably meant. After the first error <see cref="Failed"/> stays true.
/// </summary>
internal sealed class StatementReader(Statement statement, Findings findings)
{
    private readonly List<string> _expected = [];
    private int _at;

    public Statement Statement => statement;
    public bool Failed { get; private set; } = statement.Broken;
    public bool AtEnd => _at >= statement.Items.Length;

    /// <summary>True while there is more to look at and nothing went wrong.</summary>
    public bool More => !AtEnd && !Failed;
    public Item? Current => AtEnd ? null : statement.Items[_at];
    public SourceSpan Here => AtEnd ? statement.End : statement.Items[_at].At;

    /// <summary>The item before the present one, or the statement's first word.</summary>
    public SourceSpan Before => _at == 0 ? statement.Keyword.At : statement.Items[_at - 1].At;

    /// <summary>Passes this keyword when it stands here. A quoted string is never a keyword.</summary>
    public bool Take(string keyword)
    {
        if (Current is Item.Text { Quoted: false } word && word.Value == keyword)
        {
            Advance();
            return true;
        }
        _expected.Add(keyword);
        return false;
    }

    /// <summary>Like <see cref="Take"/>, but without passing it or offering it as a correction.</summary>
    public bool IsAt(string keyword) => Current is Item.Text { Quoted: false } word && word.Value == keyword;

    public bool TakeMark(char sign)
    {
        if (Current is not Item.Mark mark || mark.Sign != sign)
            return false;
        Advance();
        return true;
    }

    /// <summary>Passes any text; null, with an error told, when something else or nothing stands here.</summary>
    public Item.Text? TakeText(string what, string example)
    {
        if (Current is Item.Text text)
        {
            Advance();
            return text;
        }
        Fail(Here, (AtEnd ? "" : Current!.Shown + " stands where ") + what + (AtEnd ? " is missing" : " belongs"), "write `" + example + "`");
        return null;
    }

    /// <summary>Passes a table name, a list or a text; null, with an error told, when none stands here.</summary>
    public Item? TakeTable(string what, string example)
    {
        if (Current is Item.Text or Item.TableName or Item.List)
        {
            Item item = Current;
            Advance();
            return item;
        }
        TakeText(what, example);
        return null;
    }

    /// <summary>Passes a table name or a list; null when something else stands here, which is no error.</summary>
    public Item? TakeOptionalTable()
    {
        if (Current is not (Item.TableName or Item.List))
            return null;
        Item item = Current;
        Advance();
        return item;
    }

    /// <summary>The texts of all items from here to the end, for a statement that is passed over.</summary>
    public void TakeRest() => _at = statement.Items.Length;

    /// <summary>Tells that nothing asked for stands here.</summary>
    public void Unexpected()
    {
        ImmutableArray<string> choices = [.. _expected.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string possible = choices.Length == 0 ? "" : "possible here: " + string.Join(", ", choices.Select(c => "`" + c + "`"));
        if (AtEnd)
        {
            Fail(Here, "the line ends too early", possible.Length == 0 ? null : possible);
            return;
        }
        Item item = Current!;
        string? meant = item is Item.Text { Quoted: false } word ? Spelling.Closest(word.Value, choices) : null;
        string? previous = Previous is { Quoted: false } before && choices.Length > 0 && meant is null && item is not Item.Text ? Spelling.Closest(before.Value, choices) : null;
        if (previous is not null)
            Fail(Previous!.At, "`" + Previous.Value + "` is not known here", "did you mean `" + previous + "`?");
        else if (item is Item.Text { Quoted: true } quoted && choices.Contains(quoted.Value, StringComparer.Ordinal))
            Fail(item.At, "a word in quotes is never a keyword", "write " + quoted.Value + " without quotes");
        else if (item is Item.Text text)
            Fail(item.At, "`" + text.Value + "` is not known here", meant is not null ? "did you mean `" + meant + "`?" : possible.Length > 0 ? possible : "the statement is complete before it");
        else
            Fail(item.At, item.Shown + " does not belong here", possible.Length > 0 ? possible : "the statement is complete before it");
    }

    /// <summary>Tells an error; the rest of the statement is not looked at.</summary>
    public void Fail(SourceSpan at, string message, string? cure = null)
    {
        if (!Failed)
            findings.Error(at, message, cure);
        Failed = true;
    }

    /// <summary>Tells what is left over, if anything is.</summary>
    public void ExpectEnd()
    {
        if (More)
            Unexpected();
    }

    private Item.Text? Previous => _at == 0 ? null : statement.Items[_at - 1] as Item.Text;

    private void Advance()
    {
        _at++;
        _expected.Clear();
    }
}
