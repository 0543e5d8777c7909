using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// The words of a relay that speak of TLS: <c>tls</c> with the originals' <c>no-verify</c> and our levels, <c>tls-policy</c>, <c>protocols</c>, <c>ciphers</c>, <c>no-tickets</c>, <c>sni</c>,
/// <c>pki</c>, <c>ca</c>. What contradicts the URLs, or would send a password unprotected, is an error; <c>no-verify</c> says in so many words that a password may go to
/// whoever answers, <c>encrypt</c> does not, and gets a warning (E9).
/// </summary>
internal sealed class RelayTlsLowering(LoweringContext context, TableLowering tables, IdentityLowering identities, TlsLowering tls, StatementReader reader)
{
    private static readonly ImmutableArray<string> s_levels = ["none", "may", "encrypt", "verify", "secure", "fingerprint"];

    private TlsPolicy _policy = TlsPolicy.Welcome with { Settings = tls.Settings };
    private string? _table;

    /// <summary>Where the level stands; null when none was said.</summary>
    private SourceSpan? _said;
    private bool _saidNoVerify;

    /// <summary>The old grammar's <c>tls</c> without a word about certificates: the URL decides on those.</summary>
    private bool _bare;

    public bool Common()
    {
        if (reader.Take("pki"))
            _policy = _policy with { Identity = reader.TakeText("the certificate's name", "pki mail.example.org") is { } name ? identities.Use(name) : null };
        else if (reader.Take("ca"))
            _policy = _policy with { TrustAnchor = reader.TakeText("the trust anchor's name", "ca example") is { } name ? identities.UseAnchor(name) : null };
        else if (reader.Take("tls"))
            Level();
        else
            return false;
        return true;
    }

    public bool NewOption()
    {
        if (reader.Take("tls-policy"))
            Table(reader.Here);
        else if (reader.Take("sni"))
            _policy = _policy with { ServerName = reader.TakeText("the name", "sni mail.example.org")?.Value };
        else if (tls.Take(reader, _policy.Settings) is { } settings)
            _policy = _policy with { Settings = settings };
        else
            return false;
        return true;
    }

    public bool OldOption(ImmutableArray<RelayHost> hosts)
    {
        if (reader.Take("certificate"))
            _policy = _policy with { Identity = reader.TakeText("the certificate's name", "certificate mail.example.org") is { } name ? identities.UseFolder(name, mustExist: true) : null };
        else if (reader.Take("verify"))
            Verify(TlsLevel.Verify, hosts);
        else if (reader.Take("no-verify"))
            Verify(TlsLevel.Encrypt, hosts);
        else
            return false;
        return true;
    }

    /// <summary>Tells what contradicts itself.</summary>
    public void Check(ActionConfig.Relay action)
    {
        if (_said is SourceSpan at)
        {
            if (_policy.Level >= TlsLevel.Encrypt && action.Hosts.Any(h => h.Tls == TlsLevel.None))
                reader.Fail(at, "`tls` contradicts a URL without TLS", context.OldGrammar ? "write the URL with `tls://`" : "write the URL with `smtp+tls://`");
            if (_policy.Level < TlsLevel.Encrypt && action.Hosts.Any(h => h.Tls >= TlsLevel.Encrypt))
                reader.Fail(at, "`tls " + s_levels[(int)_policy.Level] + "` contradicts a URL that demands TLS", "write the URL with `smtp://`, or remove `tls`");
        }
        bool clear = (_said is not null && _policy.Level == TlsLevel.None) || action.Hosts.Any(h => h is { Tls: TlsLevel.None, Protocol: not RelayProtocol.Lmtp });
        if (action.Credentials is { Key: not CredentialKey.Label } && clear)
            reader.Fail(_said ?? action.At, "`auth` without TLS would send passwords that everybody on the way can read", "let TLS be used: remove `tls none`, write the URL with `smtp+tls://`");
    }

    public ActionConfig.Relay Apply(ActionConfig.Relay action)
    {
        bool leftToUrl = _bare && _policy.Level == TlsLevel.Encrypt && action.Hosts.Any(h => h.Tls >= TlsLevel.Encrypt);
        action = action with { Tls = leftToUrl ? _policy with { Level = TlsLevel.May } : _policy, TlsTable = _table };
        if (action.Credentials is not { } credentials || _said is not SourceSpan at || action.Tls.Level != TlsLevel.Encrypt)
            return action;
        if (!_saidNoVerify)
            context.Findings.Warning(at, "the password is sent to whoever answers: the other side's certificate is not looked at", "write `tls verify`, or `tls no-verify` to have it so");
        return action with { Credentials = credentials with { Password = PasswordNeeds.Tls } };
    }

    /// <summary>Behind <c>tls</c>. Alone it demands a verified certificate in the new grammar, and any in the old one, as the originals do.</summary>
    private void Level()
    {
        _said = reader.Before;
        if (reader.Take("no-verify"))
        {
            _saidNoVerify = true;
            _policy = _policy with { Level = TlsLevel.Encrypt };
        }
        else if (context.OldGrammar)
            OldLevel();
        else
            _policy = _policy with { Level = TlsPolicyText.LevelOf(s_levels.FirstOrDefault(l => reader.Take(l)) ?? "verify")!.Value };
        if (_policy.Level == TlsLevel.Fingerprint)
            Fingerprints();
        else if (_policy.Level >= TlsLevel.Verify && !context.OldGrammar && reader.Take("match"))
            Names();
    }

    private void OldLevel()
    {
        _bare = !reader.Take("verify");
        if (!_bare)
            _policy = _policy with { Level = TlsLevel.Verify };
        else if (_policy.Level < TlsLevel.Encrypt)
            _policy = _policy with { Level = TlsLevel.Encrypt };
    }

    /// <summary>A row that cannot be understood keeps its mail waiting: better told now, where the rows can be read now.</summary>
    private void Table(SourceSpan at)
    {
        _table = tables.Use(reader.TakeTable("the table of TLS policies", "tls-policy <policies>"), TableUse.TlsPolicy);
        foreach ((string key, string value) in _table is null ? [] : tables.Rows(_table) ?? [])
        {
            (TlsPolicy? policy, string problem) = TlsPolicyText.Read(value);
            if (policy is null)
                reader.Fail(at, "the TLS policy of `" + key + "`: " + problem, "write for example `" + key + " = \"secure match=.example.org\"`");
        }
    }

    private void Fingerprints()
    {
        foreach (Item.Text text in Texts("the digests", "tls fingerprint { \"AB:CD:...\" }"))
        {
            if (TlsPolicyText.Digest(text.Value) is string digest)
                _policy = _policy with { Fingerprints = _policy.Fingerprints.Add(digest) };
            else
                reader.Fail(text.At, "`" + text.Value + "` is no SHA-256 digest", "write the 64 hexadecimal digits that `openssl x509 -noout -fingerprint -sha256` prints");
        }
    }

    private void Names()
    {
        foreach (Item.Text text in Texts("the names", "tls secure match { nexthop, mx.example.org }"))
        {
            if (TlsName.Parse(text.Value) is TlsName name)
                _policy = _policy with { Names = _policy.Names.Add(name) };
            else
                reader.Fail(text.At, "`" + text.Value + "` is no name", "write a host's name, `.domain` for all below it, `hostname`, `nexthop` or `dot-nexthop`");
        }
    }

    private IEnumerable<Item.Text> Texts(string what, string example)
    {
        if (reader.Current is Item.List { IsMapping: false } list)
        {
            reader.TakeTable(what, example);
            return list.Rows.Select(r => r.Key);
        }
        return reader.TakeText(what, example) is { } text ? [text] : [];
    }

    private void Verify(TlsLevel level, ImmutableArray<RelayHost> hosts)
    {
        SourceSpan at = reader.Before;
        bool tls = _policy.Level >= TlsLevel.Encrypt || hosts.Any(h => h.Tls >= TlsLevel.Encrypt);
        if (level == TlsLevel.Verify && !tls)
            reader.Fail(at, "`verify` needs TLS", "write the URL with `tls://`, `smtps://` or `tls+auth://`");
        if (!tls)
            return;
        _said = at;
        _saidNoVerify = level == TlsLevel.Encrypt;
        _policy = _policy with { Level = level };
    }
}
