namespace Estafette.Config.Model;

/// <summary>Where the target of a local delivery was written, as local(8) tells them apart; a set for the parameters that allow some of them.</summary>
[Flags]
public enum ExpansionSource : byte { None = 0, Alias = 1, Forward = 2, Include = 4 }

/// <summary>The ways out of local(8) that <c>prepend_delivered_header</c> names; <see cref="File"/> counts for mailboxes, too.</summary>
[Flags]
public enum DeliveredHeader : byte { None = 0, Command = 1, File = 2, Forward = 4 }

/// <summary>What pipe(8) changes in the message: its <c>flags=</c>.</summary>
[Flags]
public enum PipeFlags : ushort
{
    None = 0,

    /// <summary><c>B</c>: an empty line at the end.</summary>
    BlankLine = 1,

    /// <summary><c>D</c>: Delivered-To, and a look for loops.</summary>
    DeliveredTo = 2,

    /// <summary><c>F</c>: the From_ line.</summary>
    FromLine = 4,

    /// <summary><c>O</c>: X-Original-To.</summary>
    OriginalTo = 8,

    /// <summary><c>R</c>: Return-Path.</summary>
    ReturnPath = 16,

    /// <summary><c>X</c>: the command is the final destination.</summary>
    Final = 32,

    /// <summary><c>h</c>: domains and next hop in lower case.</summary>
    FoldDomain = 64,

    /// <summary><c>u</c>: local parts in lower case.</summary>
    FoldUser = 128,

    /// <summary><c>q</c>: local parts quoted where RFC 5321 asks for it.</summary>
    Quote = 256,

    /// <summary><c>.</c>: a dot before lines that begin with one.</summary>
    DotStuff = 512,

    /// <summary><c>&gt;</c>: a greater-than sign before lines that begin with "From ".</summary>
    QuoteFrom = 1024,
}
