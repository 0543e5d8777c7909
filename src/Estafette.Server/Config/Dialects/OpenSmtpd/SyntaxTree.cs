using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>One statement: its first word and what follows, still without meaning.</summary>
/// <param name="Keyword">The first word.</param>
/// <param name="Items">What follows, macros replaced.</param>
/// <param name="End">The place right behind the last item, for what is missing there.</param>
/// <param name="Broken">An error was told while it was cut; it is not looked into any further.</param>
internal sealed record Statement(Item.Text Keyword, ImmutableArray<Item> Items, SourceSpan End, bool Broken);

internal abstract record Item(SourceSpan At)
{
    public sealed record Text(string Value, bool Quoted, SourceSpan At) : Item(At)
    {
        public override string Shown => "`" + Value + "`";
    }

    /// <summary><c>&lt;name&gt;</c></summary>
    public sealed record TableName(string Name, SourceSpan At) : Item(At)
    {
        public override string Shown => "`<" + Name + ">`";
    }

    /// <summary><c>{ a, b }</c> or <c>{ a = b }</c></summary>
    public sealed record List(ImmutableArray<Row> Rows, SourceSpan At) : Item(At)
    {
        public bool IsMapping => Rows.Length > 0 && Rows[0].Value is not null;

        public override string Shown => "a list in braces";
    }

    /// <summary><c>! , = ( ) &gt;</c></summary>
    public sealed record Mark(char Sign, SourceSpan At) : Item(At)
    {
        public override string Shown => "`" + Sign + "`";
    }

    /// <summary>As a message names it.</summary>
    public abstract string Shown { get; }

    /// <summary>Written out in one even form.</summary>
    public string Plain => this switch
    {
        Text text => text.Value,
        TableName table => "<" + table.Name + ">",
        List list => "{ " + string.Join(", ", list.Rows.Select(r => r.Value is null ? r.Key.Value : r.Key.Value + " = " + r.Value.Value)) + " }",
        Mark mark => mark.Sign.ToString(),
        _ => "",
    };
}

internal sealed record Row(Item.Text Key, Item.Text? Value);
