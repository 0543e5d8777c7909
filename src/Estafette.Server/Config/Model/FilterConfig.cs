using System.Collections.Immutable;

namespace Estafette.Config.Model;

/// <summary>The moments of a session at which policy may speak.</summary>
public enum FilterPhase { Connect, Helo, Ehlo, StartTls, Auth, MailFrom, RcptTo, Data, DataLine, Rset, Quit, Noop, Help, Wiz, Commit }

public abstract record FilterConfig
{
    private FilterConfig() { }

    public required string Name { get; init; }
    public required SourceSpan At { get; init; }

    /// <summary>One built-in test at one moment.</summary>
    public sealed record BuiltIn : FilterConfig
    {
        public required FilterPhase Phase { get; init; }

        /// <summary>All must hold; none means always.</summary>
        public ImmutableArray<FilterCondition> Conditions { get; init; } = [];
        public required FilterDecision Decision { get; init; }
    }

    /// <summary>Filters in order.</summary>
    public sealed record Chain(ImmutableArray<string> Members) : FilterConfig;

    /// <summary>A filter process (<c>proc</c>, <c>proc-exec</c>); understood, not run yet.</summary>
    public sealed record Process(string Command) : FilterConfig;
}

public enum FilterConditionKind { Source, Rdns, FcRdns, Helo, Auth, MailFrom, RcptTo }

public sealed record FilterCondition(FilterConditionKind Kind, bool Negated = false, ValueList? Values = null);

public enum FilterDecisionKind { Reject, Disconnect, Junk, Bypass, Rewrite, Report }

/// <summary>What a filter that matches does; <paramref name="Text"/> is the whole reply with its code, the new value, or the report.</summary>
public sealed record FilterDecision(FilterDecisionKind Kind, string Text = "");
