using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// One <c>relay</c> with its options, in either grammar. Where credentials are sent, the other side's certificate is verified in the old grammar too
/// (the original asked for <c>verify</c>); <c>no-verify</c> switches that off in so many words (E9, O25).
/// </summary>
internal sealed class RelayLowering(LoweringContext context, TableLowering tables, IdentityLowering identities, TlsLowering tls, StatementReader reader)
{
    private readonly RelayTlsLowering _tls = new(context, tables, identities, tls, reader);
    private ActionConfig.Relay _action = null!;
    private bool _undeliverable;

    /// <summary>Null when an error was told, or when the action can never deliver, which was told as a warning.</summary>
    public ActionConfig.Relay? NewGrammar(Item.Text name, bool srsKeys)
    {
        _action = new ActionConfig.Relay { Name = name.Value, At = name.At };
        while (reader.More)
        {
            if (!Common() && !NewOption(srsKeys))
                reader.Unexpected();
        }
        return Finish();
    }

    /// <summary>Stops, without an error, at the first word that is no option of a relay.</summary>
    public ActionConfig.Relay? OldGrammar(SourceSpan at)
    {
        _action = new ActionConfig.Relay { Name = "", At = at };
        if (reader.Take("via"))
        {
            Item.Text? text = reader.TakeText("the relay's URL", "relay via tls+auth://label@mail.example.org:587 auth <secrets>");
            if (text is null)
                return null;
            OldUrl(text);
        }
        while (reader.More && (Common() || OldOption()))
        {
        }
        return Finish();
    }

    private bool Common()
    {
        SourceSpan at = reader.Here;
        if (reader.Take("backup"))
            Backup(at);
        else if (reader.Take("auth"))
            Auth(at);
        else
            return _tls.Common();
        return true;
    }

    private bool NewOption(bool srsKeys)
    {
        SourceSpan at = reader.Here;
        if (reader.Take("host"))
            Hosts(at);
        else if (reader.Take("domain"))
            _action = _action with { DomainTable = tables.Use(reader.TakeTable("the table of relays", "domain <relays>"), TableUse.RelayByDomain) };
        else if (reader.Take("helo"))
            _action = _action with { Helo = reader.TakeText("the name", "helo mail.example.org")?.Value };
        else if (reader.Take("helo-src"))
            _action = _action with { HeloTable = tables.Use(reader.TakeTable("the table of names", "helo-src <names>"), TableUse.HostNames) };
        else if (reader.Take("src"))
            _action = _action with { SourceTable = tables.Use(reader.TakeTable("the address", "src 192.0.2.7"), TableUse.SourceAddress) };
        else if (reader.Take("mail-from"))
            MailFrom(reader.TakeText("the address", "mail-from \"@example.org\""));
        else if (reader.Take("ttl"))
            _action = _action with { Lifetime = TakeTime("ttl 4d") };
        else if (reader.Take("srs"))
            Srs(at, srsKeys);
        else if (reader.Take("filter"))
        {
            reader.TakeRest();
            context.NotSupported(at, "filters on outgoing mail");
        }
        else
            return _tls.NewOption();
        return true;
    }

    private bool OldOption()
    {
        if (reader.Take("as"))
            MailFrom(reader.TakeText("the address", "as \"@example.org\""));
        else if (reader.Take("source"))
            _action = _action with { SourceTable = tables.Use(reader.TakeTable("the address", "source <addresses>"), TableUse.SourceAddress) };
        else if (reader.Take("hostname"))
            _action = _action with { Helo = reader.TakeText("the name", "hostname mail.example.org")?.Value };
        else if (reader.Take("hostnames"))
            _action = _action with { HeloTable = tables.Use(reader.TakeTable("the table of names", "hostnames <names>"), TableUse.HostNames) };
        else if (reader.Take("helo"))
            Helo();
        else
            return _tls.OldOption(_action.Hosts);
        return true;
    }

    private void Backup(SourceSpan at)
    {
        if (_action.BackupMx is not null)
            reader.Fail(at, "`backup` stands twice", "remove one");
        if (_action.Hosts.Length > 0)
            reader.Fail(at, "a fixed host and `backup` exclude each other: a backup relays by MX", "keep one of them");
        Item.Text? name = null;
        if (context.OldGrammar)
        {
            // Any bare word that is no option is the name; options begin with these.
            string[] options = ["as", "source", "hostname", "hostnames", "helo", "pki", "ca", "tls", "certificate", "expire", "verify", "no-verify", "auth", "open-relay"];
            if (reader.Current is Item.Text text && (text.Quoted || !options.Contains(text.Value, StringComparer.Ordinal)))
                name = reader.TakeText("the name of this MX", "backup mx.example.org");
        }
        else if (reader.Take("mx"))
            name = reader.TakeText("the name of this MX", "backup mx mx.example.org");
        _action = _action with { BackupMx = name?.Value ?? context.HostName };
    }

    private void Auth(SourceSpan at)
    {
        string? table = tables.Use(reader.TakeTable("the table of credentials", "auth <secrets>"), TableUse.Credentials);
        CredentialKey key = CredentialKey.Label;
        if (!context.OldGrammar && reader.Take("by"))
        {
            if (reader.Take("host"))
                key = CredentialKey.Host;
            else if (reader.Take("sender"))
                key = CredentialKey.Sender;
            else if (!reader.Take("label"))
                reader.Unexpected();
        }
        if (key == CredentialKey.Label && _action.Hosts.IsEmpty && _action.DomainTable is null && !_undeliverable)
            reader.Fail(at, "`auth` needs a fixed host, with a label in its URL",
                context.OldGrammar ? "write `relay via tls+auth://label@host:587 auth <secrets>`" : "write `host smtp+tls://label@host:587` before it, or `auth <table> by host`");
        if (_action.Credentials is not null)
            reader.Fail(at, "`auth` stands twice", "remove one");
        _action = _action with { Credentials = table is null ? null : new RelayCredentials(table) { Key = key } };
    }

    private void Hosts(SourceSpan at)
    {
        if (_action.Hosts.Length > 0 || _action.DomainTable is not null)
            reader.Fail(at, "`host` or `domain` stands already in this line", "write several hosts as `host { \"smtp://a\", \"smtp://b\" }`");
        if (_action.BackupMx is not null)
            reader.Fail(at, "a fixed host and `backup` exclude each other: a backup relays by MX", "keep one of them");
        Item? item = reader.TakeTable("the relay's URL", "host smtp+tls://mail.example.org:587");
        var hosts = ImmutableArray.CreateBuilder<RelayHost>();
        foreach ((string url, SourceSpan place) in Urls(item))
        {
            if (JoinedUrl(url, place))
                return;
            RelayUrl parsed = RelayUrl.Parse(url, oldGrammar: false);
            if (parsed.Host is not null)
            {
                hosts.Add(parsed.Host);
                continue;
            }
            _undeliverable = true;
            context.Findings.Warning(place, parsed.Problem + ": mail for this action waits until it is corrected", parsed.Cure);
        }
        _action = _action with { Hosts = hosts.ToImmutable() };
    }

    private IEnumerable<(string Url, SourceSpan At)> Urls(Item? item)
    {
        if (item is Item.Text text)
            return [(text.Value, text.At)];
        if (item is Item.List { IsMapping: false } list)
            return list.Rows.Select(r => (r.Key.Value, r.Key.At));
        if (item is null || tables.Use(item, TableUse.RelayHosts) is not { } name)
            return [];
        if (tables.Rows(name) is { } rows)
            return rows.Select(r => (r.Key, item.At));
        if (context.CheckFiles)
            context.NotSupported(item.At, "relay hosts from a table of this kind", "write the hosts in the configuration, or in a `file:` table");
        return [];
    }

    private void OldUrl(Item.Text text)
    {
        if (JoinedUrl(text.Value, text.At))
            return;
        RelayUrl url = RelayUrl.Parse(text.Value, oldGrammar: true);
        if (url.Host is null)
            reader.Fail(text.At, url.Problem!, url.Cure);
        else
            _action = _action with { Hosts = [url.Host] };
    }

    /// <summary>O26: a blank inside a URL leaves two words of which the second holds the <c>://</c>.</summary>
    private bool JoinedUrl(string start, SourceSpan at)
    {
        if (start.Contains("://", StringComparison.Ordinal) || reader.Current is not Item.Text { Quoted: false } next || !next.Value.Contains("://", StringComparison.Ordinal))
            return false;
        string joined = start + next.Value;
        if (RelayUrl.Parse(joined, context.OldGrammar).Host is null)
            return false;
        bool sameLine = next.At.Line == at.Line && next.At.Column > at.Column + at.Length;
        SourceSpan blank = sameLine ? at with { Column = at.Column + at.Length, Length = next.At.Column - at.Column - at.Length } : next.At;
        reader.Fail(blank, "there is a blank inside the URL", "write `" + joined + "`");
        return true;
    }

    private void Helo()
    {
        // 5.3 took a table from address to name here; a plain name is what `hostname` takes.
        if (reader.Current is Item.Text)
            _action = _action with { Helo = reader.TakeText("the name", "helo mail.example.org")?.Value };
        else
            _action = _action with { HeloTable = tables.Use(reader.TakeTable("the table of names", "helo <names>"), TableUse.HostNames) };
    }

    private void MailFrom(Item.Text? text)
    {
        if (text is null)
            return;
        int at = text.Value.LastIndexOf('@');
        string local = at < 0 ? text.Value : text.Value[..at];
        string domain = at < 0 ? context.HostName : text.Value[(at + 1)..];
        if (domain.Length == 0 || text.Value.Length == 0 || text.Value.Any(c => char.IsWhiteSpace(c) || c is '<' or '>'))
            reader.Fail(text.At, "`" + text.Value + "` is no mail address", "write `user@example.org`, or `@example.org` to keep the user part");
        else
            _action = _action with { MailFrom = local + "@" + domain };
    }

    private void Srs(SourceSpan at, bool srsKeys)
    {
        if (!srsKeys)
            reader.Fail(at, "`srs` needs a key", "add a line `srs key \"a long random text\"`");
        _action = _action with { Srs = true };
    }

    private TimeSpan? TakeTime(string example) => SettingLowering.TakeTime(reader, example);

    private ActionConfig.Relay? Finish()
    {
        if (reader.Failed || _undeliverable)
            return null;
        _tls.Check(_action);
        if (reader.Failed)
            return null;
        _action = _tls.Apply(_action);
        bool labels = _action.Hosts.Any(h => h.AuthLabel is not null);
        if (_action.Credentials is null && labels)
        {
            reader.Fail(_action.At, "the URL holds a label, but no table of credentials is named", "add `auth <secrets>` to the line, and `table secrets file:/etc/mail/secrets`");
            return null;
        }
        if (_action.Credentials is { Key: CredentialKey.Label } && _action.Hosts.Length > 0 && !labels)
        {
            context.Findings.Warning(_action.At, "`auth` is not used: no URL of this line holds a label",
                context.OldGrammar ? "write `tls+auth://label@host`" : "write `smtp+tls://label@host`, or `auth <table> by host`");
        }
        if (_action.Credentials is { Key: CredentialKey.Sender } && _action.Hosts.IsEmpty && _action.DomainTable is null)
        {
            reader.Fail(_action.At, "`by sender` needs a fixed host: by MX the senders' passwords would be offered to whoever their mail is for", "write `host smtp+tls://mail.example.org:587`, or `auth <table> by host`");
            return null;
        }
        if (_action.Credentials is { Key: not CredentialKey.Label } && labels)
            context.Findings.Warning(_action.At, "the label in the URL is not used: `auth` goes by another key", "remove the label, or `by host`");
        if (_action.Credentials is { Key: CredentialKey.Label } byLabel && context.CheckFiles)
            CheckLabels(byLabel.Table);
        return _action;
    }

    /// <summary>A label without a row, or with one of another form, makes mail wait; the row itself is never shown.</summary>
    private void CheckLabels(string table)
    {
        if (tables.Rows(table) is not { } rows)
            return;
        foreach (string label in _action.Hosts.Select(h => h.AuthLabel).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase))
        {
            string cure = "write the line `" + label + " user:password`";
            string[] values = [.. rows.Where(r => r.Key.Equals(label, StringComparison.OrdinalIgnoreCase)).Select(r => r.Value)];
            if (values.Length == 0)
                context.Findings.Warning(_action.At, "the table `" + table + "` has no row for the label `" + label + "`: mail waits until it has", cure);
            else if (!values.Any(v => v.IndexOf(':', StringComparison.Ordinal) > 0))
                context.Findings.Warning(_action.At, "the row of the label `" + label + "` in the table `" + table + "` is not of the form user:password: mail waits until it is", cure);
        }
    }
}
