namespace Estafette.Local;

/// <summary>A program to run: its path, words and environment.</summary>
internal sealed record LocalCommand(string Path, IReadOnlyList<string> Arguments, IReadOnlyList<string> Environment)
{
    /// <summary>Characters that mean nothing to a shell.</summary>
    private static readonly System.Buffers.SearchValues<char> Plain =
        System.Buffers.SearchValues.Create("1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t");

    /// <summary>How it was written, for who reads of its failure.</summary>
    public string Text { get; init; } = "";
    public int LimitMilliseconds { get; init; } = 300_000;

    /// <summary>Where it starts; empty leaves it where this process is.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Its end is judged and told as Postfix does.</summary>
    public bool IsPostfix { get; init; }

    public static LocalCommand Shell(string text, IReadOnlyList<string> environment) => new("/bin/sh", ["sh", "-c", text], environment) { Text = text };

    /// <summary>Without a shell where the text asks for none, so that a program that cannot be started is told from one that fails.</summary>
    public static LocalCommand Postfix(string text, IReadOnlyList<string> environment, int limitMilliseconds)
    {
        string[] words = text.AsSpan().ContainsAnyExcept(Plain) ? [] : text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        LocalCommand command = words.Length > 0 && words[0].StartsWith('/') ? new LocalCommand(words[0], words, environment) { Text = text } : Shell(text, environment);
        return command with { IsPostfix = true, LimitMilliseconds = limitMilliseconds };
    }
}
