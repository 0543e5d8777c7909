using System.Collections.Immutable;

namespace Estafette.Tables;

/// <summary>What a table says about a key. A table that cannot be read answers <see cref="Unavailable"/>, never <see cref="NotFound"/> (E44).</summary>
public abstract record TableAnswer
{
    private TableAnswer() { }

    /// <summary>The row's value; empty for a list.</summary>
    public sealed record Found(string Value) : TableAnswer;

    public sealed record NotFound : TableAnswer
    {
        public static NotFound Instance { get; } = new();
    }

    /// <summary>The question cannot be answered now; the reason is for the log, not for a client.</summary>
    public sealed record Unavailable(string Reason) : TableAnswer;
}

/// <summary>All rows of a table in the order they were written; or why not.</summary>
public sealed record TableContent(ImmutableArray<KeyValuePair<string, string>> Rows, string? Failure = null);

/// <summary>All keys of a table in the order they were written, for tables that are walked (own source addresses); or why not.</summary>
public sealed record TableKeys(ImmutableArray<string> Keys, string? Failure = null);

/// <summary>How keys of a table are compared with what is looked for; ASCII case never counts.</summary>
public enum TableMatch : byte
{
    /// <summary>Equal: aliases, credentials, users, relay hosts, plain strings.</summary>
    Exact,

    /// <summary>Keys are domains and may hold <c>*</c>.</summary>
    Domain,

    /// <summary>Keys are addresses and networks; <c>::ffff:a.b.c.d</c> counts as <c>a.b.c.d</c> (E52).</summary>
    Network,

    /// <summary>Keys are <c>user@domain</c>, <c>@domain</c>, <c>user</c> or <c>@</c>; the domain may hold <c>*</c>.</summary>
    MailAddress,

    /// <summary>Keys are extended regular expressions.</summary>
    Regex,
}
