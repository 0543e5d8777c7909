using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>The methods of local delivery and their options, in both grammars.</summary>
internal sealed class LocalLowering(LoweringContext context, TableLowering tables)
{
    /// <summary>Words that follow a method; a bare one of them (or a slip of one) is never taken for a path.</summary>
    private static readonly string[] Options =
        ["alias", "virtual", "user", "userbase", "ttl", "junk", "wrapper", "rcpt-to", "as", "expire", "forward-only", "open-relay"];

    public ActionConfig.Local? NewGrammar(StatementReader reader, Item.Text name)
    {
        LocalMethod? method = Method(reader);
        if (method is null)
        {
            if (!reader.Failed)
                reader.Unexpected();
            return null;
        }
        var action = new ActionConfig.Local { Name = name.Value, At = name.At, Method = method };
        while (reader.More)
            action = Option(reader, action);
        return reader.Failed ? null : action;
    }

    /// <summary>mbox, maildir, mda, lmtp, and in the new grammar forward-only and expand-only; null when none of them stands here.</summary>
    public LocalMethod? Method(StatementReader reader)
    {
        if (reader.Take("mbox"))
            return new LocalMethod.Mbox();
        if (reader.Take("maildir"))
            return Maildir(reader);
        if (reader.Take("mda"))
            return reader.TakeText("the command", "mda \"/usr/bin/procmail -f -\"") is { } command ? new LocalMethod.Command(command.Value) : null;
        if (reader.Take("lmtp"))
            return Lmtp(reader);
        if (!context.OldGrammar && reader.Take("forward-only"))
            return new LocalMethod.ForwardOnly();
        if (!context.OldGrammar && reader.Take("expand-only"))
            return new LocalMethod.ExpandOnly();
        return null;
    }

    /// <summary><c>alias</c>, <c>virtual</c> or <c>userbase</c> with its table; false when none of them stands here.</summary>
    public bool Mapping(StatementReader reader, ref ActionConfig.Local action)
    {
        SourceSpan at = reader.Here;
        if (reader.Take("alias"))
        {
            RefuseSecond(reader, at, action.AliasTable ?? action.VirtualTable, "alias");
            action = action with { AliasTable = tables.Use(reader.TakeTable("the alias table", "alias <aliases>"), TableUse.Alias) };
        }
        else if (reader.Take("virtual"))
        {
            RefuseSecond(reader, at, action.AliasTable ?? action.VirtualTable, "virtual");
            action = action with { VirtualTable = tables.Use(reader.TakeTable("the table of virtual users", "virtual <users>"), TableUse.Virtual) };
        }
        else if (reader.Take("userbase"))
        {
            RefuseSecond(reader, at, action.UserTable, "userbase");
            string? table = tables.Use(reader.TakeTable("the table of users", "userbase <users>"), TableUse.Userbase);
            action = action with { UserTable = table is not null && tables.Find(table)?.Kind == TableKind.Passwd ? null : table };
        }
        else
            return false;
        return true;
    }

    private ActionConfig.Local Option(StatementReader reader, ActionConfig.Local action)
    {
        SourceSpan at = reader.Here;
        if (Mapping(reader, ref action))
            return action;
        if (reader.Take("user"))
            return User(reader, action, at);
        if (reader.Take("ttl"))
            return action with { Lifetime = SettingLowering.TakeTime(reader, "ttl 4h") };
        if (reader.Take("wrapper"))
        {
            reader.TakeRest();
            context.NotSupported(at, "`wrapper`", "write the whole command behind `mda`");
            return action;
        }
        reader.Unexpected();
        return action;
    }

    private static ActionConfig.Local User(StatementReader reader, ActionConfig.Local action, SourceSpan at)
    {
        Item.Text? user = reader.TakeText("the user's name", "user vmail");
        if (action.Method is LocalMethod.Mbox or LocalMethod.ForwardOnly or LocalMethod.ExpandOnly)
            reader.Fail(at, "`user` cannot be used with this method", "use it with maildir, mda or lmtp");
        if (user is { Value: "root" })
            reader.Fail(user.At, "nothing is delivered as root", "name an ordinary user");
        return action with { RunAs = user?.Value };
    }

    private static LocalMethod.Maildir? Maildir(StatementReader reader)
    {
        string? path = null;
        if (reader.Current is Item.Text text && IsPath(text))
        {
            reader.TakeText("the path", "maildir \"~/Maildir\"");
            path = text.Value;
            if (path.Length == 0 || path.Any(char.IsControl))
            {
                reader.Fail(text.At, "this is no path", "write `maildir \"~/Maildir\"`");
                return null;
            }
        }
        return new LocalMethod.Maildir(path, reader.Take("junk"));
    }

    private static bool IsPath(Item.Text text) =>
        text.Quoted || (!Options.Contains(text.Value, StringComparer.Ordinal) && (text.Value.AsSpan().IndexOfAny("/~%") >= 0 || Spelling.Closest(text.Value, Options) is null));

    private static LocalMethod.Lmtp? Lmtp(StatementReader reader)
    {
        Item.Text? text = reader.TakeText("the LMTP service", "lmtp \"/run/dovecot/lmtp\" or lmtp \"127.0.0.1:24\"");
        if (text is null)
            return null;
        int colon = text.Value.LastIndexOf(':');
        bool good = text.Value.StartsWith('/') || (colon > 0 && Quantity.Count(text.Value[(colon + 1)..]) is > 0 and < 65_536);
        if (!good)
        {
            reader.Fail(text.At, "`" + text.Value + "` is no LMTP service", "write `host:port`, or the absolute path of a socket");
            return null;
        }
        return new LocalMethod.Lmtp(text.Value, reader.Take("rcpt-to"));
    }

    private static void RefuseSecond(StatementReader reader, SourceSpan at, string? earlier, string word)
    {
        if (earlier is not null)
            reader.Fail(at, "`" + word + "` cannot be added: this line has a table of that kind already", "keep one of alias and virtual, and one userbase");
    }
}
