using System.Collections.Immutable;
using System.Text;

namespace Estafette.Mail;

/// <summary>One instruction of a <c>.qmail</c> file (dot-qmail(5)).</summary>
public abstract record DotQmailLine
{
    private DotQmailLine() { }

    /// <summary>A command for the shell, without its bar.</summary>
    public sealed record Command(string CommandLine) : DotQmailLine;

    /// <summary>A path that ends in a slash, absolute or below the home.</summary>
    public sealed record Maildir(string Path) : DotQmailLine;

    public sealed record Mbox(string Path) : DotQmailLine;

    /// <summary>Sends the message on, in the external form of the address.</summary>
    public sealed record Forward(string Address) : DotQmailLine;
}

/// <summary>The instructions of a <c>.qmail</c> file in their order, or why the file cannot be followed now.</summary>
public sealed record DotQmailFile(ImmutableArray<DotQmailLine> Lines, string? Problem = null)
{
    /// <summary>Nothing stands in the file, and mail goes where <c>defaultdelivery</c> says. A file of comments only is not empty: it throws mail away.</summary>
    public bool IsEmpty { get; init; }
}

/// <summary>
/// Reads <c>.qmail</c> files as qmail-local(8) does. Instructions are followed in their order, forwards last; a file that begins with an empty line is not followed, for it may be half written.
/// </summary>
public static class DotQmail
{
    /// <summary>Octets; a longer file is no user's wish any more.</summary>
    public const int MaximumSize = 64 * 1024;

    public static DotQmailFile Parse(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
            return new DotQmailFile([]) { IsEmpty = true };
        var lines = ImmutableArray.CreateBuilder<DotQmailLine>();
        bool first = true;
        while (!content.IsEmpty)
        {
            int end = content.IndexOf((byte)'\n');
            string line = Encoding.UTF8.GetString(end < 0 ? content : content[..end]).TrimEnd(' ', '\t', '\r');
            content = end < 0 ? default : content[(end + 1)..];
            if (line.Length == 0 && first)
                return new DotQmailFile([], "Uh-oh: first line of .qmail file is blank");
            first = false;
            if (Instruction(line) is { } instruction)
                lines.Add(instruction);
        }
        return new DotQmailFile(lines.ToImmutable());
    }

    /// <summary>
    /// The names to look for, in this order, for an address with <paramref name="extension"/>: the whole one, then <c>-default</c> behind each shorter beginning that ends before a dash. Letters are small, and
    /// a dot becomes a colon, so that no address can name a file elsewhere.
    /// </summary>
    /// <param name="dash">What stands between <c>.qmail</c> and the extension; empty for the user's own address.</param>
    /// <param name="extension">As the address has it.</param>
    public static IEnumerable<DotQmailName> Names(string dash, string extension)
    {
        string safe = extension.ToLowerInvariant().Replace('.', ':');
        if (safe.AsSpan().ContainsAny('/', '\0'))
            yield break;
        yield return new DotQmailName(".qmail" + dash + safe, null);
        if (dash.Length == 0)
            yield break;
        for (int at = safe.Length; at >= 0; at--)
        {
            if (at == 0 || safe[at - 1] == '-')
                yield return new DotQmailName(".qmail" + dash + safe[..at] + "default", extension[at..]);
        }
    }

    private static DotQmailLine? Instruction(string line) => line switch
    {
        "" => null,
        ['#', ..] => null,
        ['|', .. string command] => new DotQmailLine.Command(command),
        ['.' or '/', ..] => line.EndsWith('/') ? new DotQmailLine.Maildir(line) : new DotQmailLine.Mbox(line),
        ['&', .. string address] => new DotQmailLine.Forward(address.TrimStart()),
        _ => new DotQmailLine.Forward(line),
    };
}

/// <param name="Name">A file in the home.</param>
/// <param name="Default">The part of the extension that <c>default</c> stands for (<c>$DEFAULT</c>); null where the name is the whole one.</param>
public readonly record struct DotQmailName(string Name, string? Default);
