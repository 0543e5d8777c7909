using System.Collections.Immutable;

namespace Estafette.Mail;

/// <summary>The part of <see cref="LocalActionsCodec"/> that is local(8), virtual(8) and pipe(8): a mark for each record that an action has, then its members in order.</summary>
internal static class LocalRulesCodec
{
    public static void Write(LocalActionsCodec.Writer writer, LocalAction action)
    {
        writer.Number((action.Users is null ? 0 : 1) | (action.Virtual is null ? 0 : 2) | (action.Pipe is null ? 0 : 4));
        if (action.Users is { } users)
            Write(writer, users);
        if (action.Virtual is { } mailboxes)
        {
            writer.Text(mailboxes.Folder);
            writer.Number((int)mailboxes.MinimumUid);
            WriteLong(writer, mailboxes.MailboxSize);
            WriteIds(writer, mailboxes.Uids);
            WriteIds(writer, mailboxes.Gids);
        }
        if (action.Pipe is { } pipe)
            Write(writer, pipe);
    }

    public static LocalAction Read(ref LocalActionsCodec.Reader reader, LocalAction action)
    {
        int marks = reader.Number();
        if ((marks & 1) != 0)
            action = action with { Users = ReadUsers(ref reader) };
        if ((marks & 2) != 0)
        {
            action = action with
            {
                Virtual = new VirtualRules(reader.Text(), (uint)reader.Number(), ReadLong(ref reader)) { Uids = ReadIds(ref reader), Gids = ReadIds(ref reader) },
            };
        }
        return (marks & 4) != 0 ? action with { Pipe = ReadPipe(ref reader) } : action;
    }

    private static void Write(LocalActionsCodec.Writer writer, LocalUserRules rules)
    {
        WriteTexts(writer, rules.ForwardPaths);
        writer.Text(rules.ForwardCharacters);
        writer.Text(rules.Delimiters);
        writer.Text(rules.SpoolFolder);
        WriteLong(writer, rules.MailboxSize);
        writer.Number(rules.CommandMilliseconds);
        writer.Text(rules.CommandCharacters);
        WriteTexts(writer, rules.Environment);
        writer.Number(rules.RequiresHome ? 1 : 0);
    }

    private static LocalUserRules ReadUsers(ref LocalActionsCodec.Reader reader) => new()
    {
        ForwardPaths = ReadTexts(ref reader),
        ForwardCharacters = reader.Text(),
        Delimiters = reader.Text(),
        SpoolFolder = reader.Text(),
        MailboxSize = ReadLong(ref reader),
        CommandMilliseconds = reader.Number(),
        CommandCharacters = reader.Text(),
        Environment = ReadTexts(ref reader),
        RequiresHome = reader.Number() != 0,
    };

    private static void Write(LocalActionsCodec.Writer writer, PipeRules rules)
    {
        WriteTexts(writer, rules.Arguments);
        writer.Text(rules.Group);
        writer.Text(rules.Folder);
        writer.Text(rules.LineEnd);
        writer.Number(rules.Milliseconds);
        WriteTexts(writer, rules.Environment);
        writer.Number((rules.BlankLine ? 1 : 0) | (rules.DotStuff ? 2 : 0) | (rules.QuoteFrom ? 4 : 0) | (rules.FromLine ? 8 : 0));
    }

    private static PipeRules ReadPipe(ref LocalActionsCodec.Reader reader)
    {
        var rules = new PipeRules
        {
            Arguments = ReadTexts(ref reader),
            Group = reader.Text(),
            Folder = reader.Text(),
            LineEnd = reader.Text(),
            Milliseconds = reader.Number(),
            Environment = ReadTexts(ref reader),
        };
        int marks = reader.Number();
        return rules with { BlankLine = (marks & 1) != 0, DotStuff = (marks & 2) != 0, QuoteFrom = (marks & 4) != 0, FromLine = (marks & 8) != 0 };
    }

    private static void WriteLong(LocalActionsCodec.Writer writer, long value)
    {
        writer.Number((int)(value >> 32));
        writer.Number((int)value);
    }

    private static long ReadLong(ref LocalActionsCodec.Reader reader)
    {
        long high = reader.Number();
        return (high << 32) | (uint)reader.Number();
    }

    private static void WriteTexts(LocalActionsCodec.Writer writer, ImmutableArray<string> texts)
    {
        writer.Number(texts.Length);
        foreach (string text in texts)
            writer.Text(text);
    }

    private static ImmutableArray<string> ReadTexts(ref LocalActionsCodec.Reader reader)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
            texts.Add(reader.Text());
        return texts.ToImmutable();
    }

    private static void WriteIds(LocalActionsCodec.Writer writer, ImmutableHashSet<uint> ids)
    {
        writer.Number(ids.Count);
        foreach (uint id in ids.Order())
            writer.Number((int)id);
    }

    private static ImmutableHashSet<uint> ReadIds(ref LocalActionsCodec.Reader reader)
    {
        var ids = ImmutableHashSet.CreateBuilder<uint>();
        for (int n = reader.Number(); n > 0 && reader.Good; n--)
            ids.Add((uint)reader.Number());
        return ids.ToImmutable();
    }
}
