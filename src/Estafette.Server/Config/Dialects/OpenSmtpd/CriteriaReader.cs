using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>Reads the criteria of one rule. Each kind may stand once; <c>!</c> stands before a criterion in the new grammar, behind its first word in the old one.</summary>
internal sealed class CriteriaReader(TableLowering tables, StatementReader reader)
{
    private readonly List<Criterion> _criteria = [];
    private bool _from;
    private bool _for;

    /// <summary>All criteria, those on the client first; <c>from local</c> and <c>for local</c> where nothing was said.</summary>
    public ImmutableArray<Criterion> Complete()
    {
        if (!_from)
            _criteria.Add(new Criterion(CriterionKind.FromLocal));
        if (!_for)
            _criteria.Add(new Criterion(CriterionKind.ForLocal));
        return [.. _criteria.OrderBy(c => c.Kind)];
    }

    /// <summary>False when no criterion of the new grammar stands here.</summary>
    public bool TakeNew()
    {
        bool negated = reader.TakeMark('!');
        if (reader.Take("from"))
            From(negated);
        else if (reader.Take("for"))
            For(negated);
        else if (reader.Take("tag"))
            Values(CriterionKind.Tag, negated, TableUse.Text, "tag SUBMISSION");
        else if (reader.Take("helo"))
            Values(CriterionKind.Helo, negated, TableUse.Domain, "helo <names>");
        else if (reader.Take("mail-from"))
            Values(CriterionKind.MailFrom, negated, TableUse.Mailbox, "mail-from <senders>");
        else if (reader.Take("rcpt-to"))
            Values(CriterionKind.ForRcptTo, negated, TableUse.Mailbox, "rcpt-to <recipients>");
        else if (reader.Take("auth"))
            OptionalValues(CriterionKind.Auth, negated, TableUse.Text);
        else if (reader.Take("tls"))
            Tls(negated);
        else
        {
            if (negated)
                reader.Unexpected();
            return false;
        }
        return true;
    }

    /// <summary>False when no criterion of the old grammar stands here.</summary>
    public bool TakeOld()
    {
        bool before = reader.TakeMark('!');
        if (reader.Take("authenticated"))
            Add(new Criterion(CriterionKind.Auth, before));
        else if (before)
            reader.Unexpected();
        else if (reader.Take("from"))
            OldFrom();
        else if (reader.Take("for"))
            OldFor();
        else if (reader.Take("tagged"))
            Values(CriterionKind.Tag, reader.TakeMark('!'), TableUse.Text, "tagged SUBMISSION");
        else if (reader.Take("sender"))
            Values(CriterionKind.MailFrom, reader.TakeMark('!'), TableUse.Mailbox, "sender <senders>");
        else if (reader.Take("recipient"))
            Values(CriterionKind.ForRcptTo, reader.TakeMark('!'), TableUse.Mailbox, "recipient <recipients>");
        else
            return false;
        return true;
    }

    /// <summary>TLS at all, or the client's certificate: by fingerprint, or by the anchor that vouches for it.</summary>
    private void Tls(bool negated)
    {
        if (reader.Take("cert"))
            Values(CriterionKind.TlsCertificate, negated, TableUse.Fingerprint, "tls cert <fingerprints>");
        else if (reader.Take("ca"))
            Values(CriterionKind.TlsAnchor, negated, TableUse.Text, "tls ca partners");
        else
            Add(new Criterion(CriterionKind.Tls, negated));
    }

    private void From(bool negated)
    {
        Once(ref _from, "from");
        RefuseInnerNegation("from");
        if (reader.Take("any"))
            Add(new Criterion(CriterionKind.FromAny, negated));
        else if (reader.Take("local"))
            Add(new Criterion(CriterionKind.FromLocal, negated));
        else if (reader.Take("socket"))
            Add(new Criterion(CriterionKind.FromSocket, negated));
        else if (reader.Take("src"))
            Values(CriterionKind.FromSource, negated, TableUse.Network, "from src 192.0.2.0/24");
        else if (reader.Take("auth"))
            OptionalValues(CriterionKind.FromAuth, negated, TableUse.Text);
        else if (reader.Take("rdns"))
            OptionalValues(CriterionKind.FromRdns, negated, TableUse.Domain);
        else if (reader.Take("mail-from"))
            Values(CriterionKind.FromMailFrom, negated, TableUse.Mailbox, "from mail-from <senders>");
        else
            reader.Unexpected();
    }

    private void For(bool negated)
    {
        Once(ref _for, "for");
        RefuseInnerNegation("for");
        if (reader.Take("any"))
            Add(new Criterion(CriterionKind.ForAny, negated));
        else if (reader.Take("local"))
            Add(new Criterion(CriterionKind.ForLocal, negated));
        else if (reader.Take("domain"))
            Values(CriterionKind.ForDomain, negated, TableUse.Domain, "for domain \"example.org\"");
        else if (reader.Take("rcpt-to"))
            Values(CriterionKind.ForRcptTo, negated, TableUse.Mailbox, "for rcpt-to <recipients>");
        else
            reader.Unexpected();
    }

    private void OldFrom()
    {
        Once(ref _from, "from");
        bool negated = reader.TakeMark('!');
        if (reader.Take("any"))
            Add(new Criterion(CriterionKind.FromAny, negated));
        else if (reader.Take("local"))
            Add(new Criterion(CriterionKind.FromLocal, negated));
        else if (reader.Take("source") || reader.Current is Item.TableName or Item.List or Item.Text { Quoted: true })
            Values(CriterionKind.FromSource, negated, TableUse.Network, "from source <networks>");
        else if (reader.Current is Item.Text { Value: var value } && Network.Parse(value) is not null)
            Values(CriterionKind.FromSource, negated, TableUse.Network, "from source <networks>");
        else
            reader.Unexpected();
    }

    private void OldFor()
    {
        Once(ref _for, "for");
        bool negated = reader.TakeMark('!');
        if (reader.Take("any"))
            Add(new Criterion(CriterionKind.ForAny, negated));
        else if (reader.Take("local"))
            Add(new Criterion(CriterionKind.ForLocal, negated));
        else if (reader.Take("domain"))
            Values(CriterionKind.ForDomain, negated, TableUse.Domain, "for domain \"example.org\"");
        else
            reader.Unexpected();
    }

    private void Values(CriterionKind kind, bool negated, TableUse use, string example)
    {
        bool regex = reader.Take("regex");
        string? table = tables.Use(reader.TakeTable("a value or a table", example), regex ? TableUse.Regex : use);
        if (table is not null)
            Add(new Criterion(kind, negated, new ValueList { Table = table, Regex = regex }));
    }

    /// <summary>Values are optional here, and a bare word that begins the next criterion is none.</summary>
    private void OptionalValues(CriterionKind kind, bool negated, TableUse use)
    {
        string[] next = ["for", "from", "tag", "helo", "mail-from", "rcpt-to", "auth", "tls", "action", "reject", "open-relay"];
        bool value = reader.IsAt("regex") || reader.Current is Item.TableName or Item.List or Item.Text { Quoted: true }
            || (reader.Current is Item.Text word && !next.Contains(word.Value, StringComparer.Ordinal) && Spelling.Closest(word.Value, next) is null);
        if (value)
            Values(kind, negated, use, "auth <users>");
        else
            Add(new Criterion(kind, negated));
    }

    private void Add(Criterion criterion)
    {
        if (!reader.Failed && _criteria.Exists(c => c.Kind == criterion.Kind))
            reader.Fail(reader.Before, "the rule has this criterion already", "write one criterion with a list: `{ one, two }`");
        _criteria.Add(criterion);
    }

    private void Once(ref bool seen, string word)
    {
        if (seen)
            reader.Fail(reader.Before, "`" + word + "` stands twice in this rule", word == "from" ? "keep one; more about the client can be said with tag, helo, mail-from, auth, tls" : "keep one, or write a list: `for domain { one.org, two.org }`");
        seen = true;
    }

    private void RefuseInnerNegation(string word)
    {
        if (reader.Current is Item.Mark { Sign: '!' } mark)
            reader.Fail(mark.At, "`!` stands before `" + word + "` in this grammar", "write `! " + word + " ...`");
    }
}
