using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// Certificates (<c>pki</c>), trust anchors (<c>ca</c>), and the certificates that the 5.3 grammar finds by a name below
/// <see cref="CertificateFolder"/> (O16). Files are looked at when somebody uses them; a key that everybody may read is refused.
/// </summary>
internal sealed class IdentityLowering(LoweringContext context)
{
    public const string CertificateFolder = "/etc/mail/certs/";

    private readonly Dictionary<string, Draft> _drafts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SourceSpan> _unusedAnchors = new(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, string>.Builder _anchors = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);

    private sealed class Draft(string name, SourceSpan at)
    {
        public string Name => name;
        public SourceSpan At => at;
        public Item.Text? Certificate { get; set; }
        public Item.Text? Key { get; set; }

        /// <summary>The server makes it and keeps it in its state folder.</summary>
        public bool SelfSigned { get; set; }
        public bool Checked { get; set; }
        public bool Broken { get; set; }
    }

    public ImmutableDictionary<string, IdentityConfig> Identities => _drafts.Values
        .Where(d => d.SelfSigned || (d.Certificate is not null && d.Key is not null))
        .ToImmutableDictionary(d => d.Name, d => new IdentityConfig(d.Name, d.Certificate?.Value ?? "", d.Key?.Value ?? "", d.At) { SelfSigned = d.SelfSigned }, StringComparer.Ordinal);

    public ImmutableDictionary<string, string> TrustAnchors => _anchors.ToImmutable();

    public void DeclarePki(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        Item.Text? name = reader.TakeText("the certificate's name", "pki mail.example.org cert \"/etc/ssl/mail.crt\"");
        if (name is null)
            return;
        string key = name.Value.ToLowerInvariant();
        if (!_drafts.TryGetValue(key, out Draft? draft))
            _drafts[key] = draft = new Draft(key, name.At);
        if (reader.AtEnd && !reader.Failed)
            Option(reader, draft);
        while (reader.More)
            Option(reader, draft);
        if (draft.SelfSigned && (draft.Certificate ?? draft.Key) is { } file)
            reader.Fail(file.At, "`pki " + draft.Name + "` is self-signed and has a file", "remove `self-signed`, or the files: the server makes a self-signed certificate itself");
        draft.Broken |= reader.Failed;
    }

    public void DeclareCa(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        Item.Text? name = reader.TakeText("the name of the trust anchor", "ca example cert \"/etc/ssl/ca.pem\"");
        if (name is null || reader.Failed)
            return;
        if (!reader.Take("cert") && !reader.Take("certificate"))
        {
            reader.Unexpected();
            return;
        }
        Item.Text? file = reader.TakeText("the file", "cert \"/etc/ssl/ca.pem\"");
        reader.ExpectEnd();
        if (file is null || reader.Failed)
            return;
        _anchors[name.Value.ToLowerInvariant()] = file.Value;
        _unusedAnchors[name.Value.ToLowerInvariant()] = name.At;
        if (context.CheckFiles && context.Machine.Look(file.Value).IsMissing)
            context.Findings.Error(file.At, "`" + file.Value + "` is missing", "correct the path, or install the file");
    }

    /// <summary>True for a declared name, also for one whose declaration had an error of its own.</summary>
    public bool Knows(string name) => _drafts.ContainsKey(name.ToLowerInvariant());

    /// <summary>The identity's name, its files checked; null when an error was told.</summary>
    public string? Use(Item.Text name)
    {
        string key = name.Value.ToLowerInvariant();
        if (!_drafts.TryGetValue(key, out Draft? draft))
        {
            string? meant = Spelling.Closest(key, _drafts.Keys);
            context.Findings.Error(name.At, "there is no `pki " + name.Value + "`",
                meant is null ? "declare it: `pki " + name.Value + (context.OldGrammar ? " certificate" : " cert") + " \"/path.crt\"` and `pki " + name.Value + " key \"/path.key\"`"
                    : "did you mean `" + meant + "`?");
            return null;
        }
        return draft.Broken || !Complete(draft) ? null : key;
    }

    /// <summary>To be asked when every line has been read.</summary>
    public void TellUnusedAnchors()
    {
        if (context.Findings.HasErrors)
            return;
        foreach ((string name, SourceSpan at) in _unusedAnchors)
            context.Findings.Note(at, "no line uses `ca " + name + "`, so it vouches for nobody", "add `ca " + name + "` to the action or the listener that is to trust it");
    }

    public string? UseAnchor(Item.Text name)
    {
        if (_anchors.ContainsKey(name.Value.ToLowerInvariant()))
        {
            _unusedAnchors.Remove(name.Value.ToLowerInvariant());
            return name.Value.ToLowerInvariant();
        }
        string? meant = Spelling.Closest(name.Value, _anchors.Keys);
        context.Findings.Error(name.At, "there is no `ca " + name.Value + "`", meant is null ? "declare it: `ca " + name.Value + " cert \"/path.pem\"`" : "did you mean `" + meant + "`?");
        return null;
    }

    /// <summary>
    /// The certificate of this name below <see cref="CertificateFolder"/>, where the 5.3 grammar looks for it; null when there is none,
    /// or, with an error told, when it cannot be used.
    /// </summary>
    public string? UseFolder(Item.Text name, bool mustExist)
    {
        string certificate = CertificateFolder + name.Value + ".crt";
        string key = CertificateFolder + name.Value + ".key";
        if (name.Value.Contains('/', StringComparison.Ordinal))
        {
            context.Findings.Error(name.At, "a certificate's name cannot hold `/`", "write the name of a file in " + CertificateFolder + " without its ending");
            return null;
        }
        if (!mustExist && context.Machine.Look(certificate).Presence != FilePresence.Present)
            return null;
        string identity = "certs/" + name.Value.ToLowerInvariant();
        if (!_drafts.TryGetValue(identity, out Draft? draft))
        {
            _drafts[identity] = draft = new Draft(identity, name.At)
            {
                Certificate = name with { Value = certificate },
                Key = name with { Value = key },
            };
            if (context.Machine.Look(CertificateFolder + name.Value + ".dh").Presence == FilePresence.Present)
                context.Findings.Note(name.At, "`" + CertificateFolder + name.Value + ".dh` is not read: Diffie-Hellman parameters are chosen by the system's TLS library");
        }
        return Complete(draft) ? identity : null;
    }

    /// <summary>The trust anchors for clients that lie beside a certificate of that folder, <c>NAME.ca</c>; null where there are none, and those of the system count (O16).</summary>
    public string? FolderAnchor(Item.Text name)
    {
        string file = CertificateFolder + name.Value + ".ca";
        if (context.Machine.Look(file).Presence != FilePresence.Present)
            return null;
        string anchor = "certs/" + name.Value.ToLowerInvariant();
        _anchors[anchor] = file;
        return anchor;
    }

    private void Option(StatementReader reader, Draft draft)
    {
        if (reader.Take("cert") || reader.Take("certificate"))
            draft.Certificate = reader.TakeText("the certificate's file", "cert \"/etc/ssl/mail.crt\"") ?? draft.Certificate;
        else if (reader.Take("key"))
            draft.Key = reader.TakeText("the key's file", "key \"/etc/ssl/private/mail.key\"") ?? draft.Key;
        else if (reader.Take("self-signed"))
            draft.SelfSigned = true;
        else if (reader.Take("dhe") || reader.Take("dhparams"))
        {
            Item.Text? value = reader.TakeText("the parameters", "dhe auto");
            if (value is not null)
                context.Findings.Note(value.At, "Diffie-Hellman parameters are chosen by the system's TLS library");
        }
        else
            reader.Unexpected();
    }

    private bool Complete(Draft draft)
    {
        if (draft.Checked || draft.SelfSigned)
            return true;
        string word = context.OldGrammar ? "certificate" : "cert";
        if (draft.Certificate is null || draft.Key is null)
        {
            string missing = draft.Certificate is null ? word : "key";
            context.Findings.Error(draft.At, "`pki " + draft.Name + "` has no " + (missing == "key" ? "key" : "certificate"), "add `pki " + draft.Name + " " + missing + " \"/path/to/file\"`");
            draft.Broken = true;
            return false;
        }
        draft.Checked = true;
        if (!context.CheckFiles)
            return true;
        bool there = Exists(draft.Certificate, "certificate") & Exists(draft.Key, "key");
        if (there && IsCertificate(draft.Key.Value))
        {
            context.Findings.Error(draft.Key.At, "`" + draft.Key.Value + "` holds a certificate and no private key", "write the files the other way round: `" + word + "` takes the certificate, `key` the key");
            draft.Broken = true;
            return false;
        }
        FileState key = context.Machine.Look(draft.Key.Value);
        if (key.Presence == FilePresence.Present && KeyFile.Problem(draft.Key.Value, key.Mode) is { } problem)
        {
            context.Findings.Error(draft.Key.At, problem.Message, problem.Cure);
            draft.Broken = true;
            return false;
        }
        draft.Broken |= !there;
        return there;
    }

    private bool IsCertificate(string path) => context.Machine.Read(path) is { Failure: null } content
        && content.Bytes.Span.IndexOf("-----BEGIN CERTIFICATE-----"u8) >= 0 && content.Bytes.Span.IndexOf("PRIVATE KEY-----"u8) < 0;

    private bool Exists(Item.Text file, string what)
    {
        if (!context.Machine.Look(file.Value).IsMissing)
            return true;
        context.Findings.Error(file.At, "the " + what + " `" + file.Value + "` is missing", "correct the path, or install the file");
        return false;
    }
}
