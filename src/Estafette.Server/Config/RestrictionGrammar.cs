using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config;

/// <summary>One word of a list with its place.</summary>
public readonly record struct PlacedWord(string Text, SourceSpan At);

public enum RestrictionProblemKind : byte
{
    /// <summary>No restriction and no class is called that.</summary>
    Unknown,

    /// <summary>Postfix has it, this server does not yet.</summary>
    Later,

    /// <summary>Its argument is missing or wrong.</summary>
    Argument,
}

public readonly record struct RestrictionProblem(RestrictionProblemKind Kind, PlacedWord Word, string Text);

/// <summary>
/// Reads the words of a restriction list (postconf(5) <c>smtpd_recipient_restrictions</c> and its kin), from main.cf or from the right-hand side of an access table. Pure; tells every word
/// that it does not understand.
/// </summary>
public static class RestrictionGrammar
{
    private const string WarnIfReject = "warn_if_reject";

    /// <summary>All words that are understood, for "did you mean".</summary>
    public static IEnumerable<string> Words => s_forms.Keys.Append(WarnIfReject);

    public static bool IsRestriction(string word) => s_forms.ContainsKey(word) || word.Equals(WarnIfReject, StringComparison.OrdinalIgnoreCase);

    /// <param name="stage">Decides what a table without a word before it is asked for.</param>
    /// <param name="isClass">Whether a name is one of <c>smtpd_restriction_classes</c>.</param>
    public static ImmutableArray<Restriction> Read(IReadOnlyList<PlacedWord> words, RestrictionStage stage, Func<string, bool> isClass, ICollection<RestrictionProblem> problems)
    {
        ImmutableArray<Restriction>.Builder read = ImmutableArray.CreateBuilder<Restriction>();
        bool warnOnly = false;
        for (int i = 0; i < words.Count; i++)
        {
            PlacedWord word = words[i];
            if (word.Text.Equals(WarnIfReject, StringComparison.OrdinalIgnoreCase))
            {
                warnOnly = true;
                continue;
            }
            Restriction? restriction;
            if (s_forms.TryGetValue(word.Text, out Form form))
            {
                if (form.Argument == ArgumentForm.Later)
                {
                    problems.Add(new RestrictionProblem(RestrictionProblemKind.Later, word, $"{word.Text} is not supported yet"));
                    i += form.LaterArguments;
                    continue;
                }
                bool takes = form.Argument != ArgumentForm.None;
                string argument = takes && i + 1 < words.Count ? words[++i].Text : "";
                restriction = Make(form, word, argument, problems);
            }
            else if (isClass(word.Text))
                restriction = new Restriction(RestrictionKind.Class, word.Text, word.At);
            else if (IsTable(word.Text))
                restriction = new Restriction(RestrictionKind.CheckAccess, word.Text, word.At) { Subject = SubjectOf(stage) };
            else
            {
                problems.Add(new RestrictionProblem(RestrictionProblemKind.Unknown, word, $"unknown restriction \"{word.Text}\""));
                restriction = null;
            }
            if (restriction is not null)
                read.Add(restriction with { Word = word.Text, WarnOnly = warnOnly });
            warnOnly = false;
        }
        return read.ToImmutable();
    }

    /// <summary>A table without a word before it is asked for what the list is about.</summary>
    private static AccessSubject SubjectOf(RestrictionStage stage) => stage switch
    {
        RestrictionStage.Client => AccessSubject.Client,
        RestrictionStage.Helo => AccessSubject.Helo,
        RestrictionStage.Sender => AccessSubject.Sender,
        RestrictionStage.Etrn => AccessSubject.Etrn,
        _ => AccessSubject.Recipient,
    };

    private static bool IsTable(string word) => word.IndexOf(':', StringComparison.Ordinal) > 0;

    private static Restriction? Make(Form form, PlacedWord word, string argument, ICollection<RestrictionProblem> problems)
    {
        string? wrong = form.Argument switch
        {
            ArgumentForm.Table when !IsTable(argument) && !(form.Subject == AccessSubject.Certificate && argument.StartsWith('{')) => $"{word.Text} needs a table, as in {word.Text} hash:/etc/postfix/access",
            ArgumentForm.Zone when argument.Length == 0 => $"{word.Text} needs a domain, as in {word.Text} zen.spamhaus.org",
            ArgumentForm.Seconds when !int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds > 600 => $"{word.Text} needs a number of seconds, 600 at most",
            _ => null,
        };
        if (wrong is not null)
        {
            problems.Add(new RestrictionProblem(RestrictionProblemKind.Argument, word, wrong));
            return null;
        }
        var restriction = new Restriction(form.Kind, argument, word.At) { Subject = form.Subject, Via = form.Via };
        if (form.Subject != AccessSubject.Certificate)
            return restriction;
        if (CertificateSearch.TryRead(argument, out string table, out ImmutableArray<bool> keys))
            return restriction with { Argument = table, KeyDigests = keys };
        problems.Add(new RestrictionProblem(RestrictionProblemKind.Argument, word, $"{word.Text} takes a table, or {{ TABLE, {{ search_order = cert_fingerprint, pubkey_fingerprint }} }}"));
        return null;
    }

    private static IEnumerable<KeyValuePair<string, Form>> Forms()
    {
        foreach ((string name, RestrictionKind kind) in s_plain)
            yield return new(name, new Form(kind, ArgumentForm.None));
        foreach ((string name, RestrictionKind kind) in s_zones)
            yield return new(name, new Form(kind, ArgumentForm.Zone));
        foreach ((string name, AccessSubject subject) in s_subjects)
        {
            yield return new($"check_{name}_access", new Form(RestrictionKind.CheckAccess, ArgumentForm.Table, subject));
            if (subject is AccessSubject.Etrn or AccessSubject.Certificate or AccessSubject.SaslUser)
                continue;
            yield return new($"check_{name}_mx_access", new Form(RestrictionKind.CheckAccess, ArgumentForm.Table, subject, AccessVia.MailExchangers));
            yield return new($"check_{name}_ns_access", new Form(RestrictionKind.CheckAccess, ArgumentForm.Table, subject, AccessVia.NameServers));
            yield return new($"check_{name}_a_access", new Form(RestrictionKind.CheckAccess, ArgumentForm.Table, subject, AccessVia.Addresses));
        }
        yield return new("sleep", new Form(RestrictionKind.Sleep, ArgumentForm.Seconds));
        yield return new("check_policy_service", new Form(default, ArgumentForm.Later) { LaterArguments = 1 });
        yield return new("reject_unverified_sender", new Form(default, ArgumentForm.Later));
        yield return new("reject_unverified_recipient", new Form(default, ArgumentForm.Later));
    }

    private static readonly (string Name, RestrictionKind Kind)[] s_plain =
    [
        ("permit", RestrictionKind.Permit), ("reject", RestrictionKind.Reject), ("defer", RestrictionKind.Defer),
        ("defer_if_permit", RestrictionKind.DeferIfPermit), ("defer_if_reject", RestrictionKind.DeferIfReject),
        ("permit_inet_interfaces", RestrictionKind.PermitInetInterfaces), ("permit_mynetworks", RestrictionKind.PermitMyNetworks),
        ("permit_sasl_authenticated", RestrictionKind.PermitSaslAuthenticated),
        ("permit_tls_clientcerts", RestrictionKind.PermitTlsClientCerts), ("permit_tls_all_clientcerts", RestrictionKind.PermitTlsAllClientCerts),
        ("reject_plaintext_session", RestrictionKind.RejectPlaintextSession), ("reject_unauth_pipelining", RestrictionKind.RejectUnauthPipelining),
        ("reject_unknown_client_hostname", RestrictionKind.RejectUnknownClientHostname), ("reject_unknown_client", RestrictionKind.RejectUnknownClientHostname),
        ("reject_unknown_reverse_client_hostname", RestrictionKind.RejectUnknownReverseClientHostname),
        ("reject_invalid_helo_hostname", RestrictionKind.RejectInvalidHeloHostname), ("reject_invalid_hostname", RestrictionKind.RejectInvalidHeloHostname),
        ("reject_non_fqdn_helo_hostname", RestrictionKind.RejectNonFqdnHeloHostname), ("reject_non_fqdn_hostname", RestrictionKind.RejectNonFqdnHeloHostname),
        ("reject_unknown_helo_hostname", RestrictionKind.RejectUnknownHeloHostname), ("reject_unknown_hostname", RestrictionKind.RejectUnknownHeloHostname),
        ("permit_naked_ip_address", RestrictionKind.PermitNakedIpAddress),
        ("reject_non_fqdn_sender", RestrictionKind.RejectNonFqdnSender), ("reject_unknown_sender_domain", RestrictionKind.RejectUnknownSenderDomain),
        ("reject_unlisted_sender", RestrictionKind.RejectUnlistedSender),
        ("reject_sender_login_mismatch", RestrictionKind.RejectSenderLoginMismatch),
        ("reject_authenticated_sender_login_mismatch", RestrictionKind.RejectAuthenticatedSenderLoginMismatch),
        ("reject_unauthenticated_sender_login_mismatch", RestrictionKind.RejectUnauthenticatedSenderLoginMismatch),
        ("reject_known_sender_login_mismatch", RestrictionKind.RejectKnownSenderLoginMismatch),
        ("reject_non_fqdn_recipient", RestrictionKind.RejectNonFqdnRecipient), ("reject_unknown_recipient_domain", RestrictionKind.RejectUnknownRecipientDomain),
        ("reject_unlisted_recipient", RestrictionKind.RejectUnlistedRecipient), ("check_recipient_maps", RestrictionKind.RejectUnlistedRecipient),
        ("reject_multi_recipient_bounce", RestrictionKind.RejectMultiRecipientBounce),
        ("reject_unauth_destination", RestrictionKind.RejectUnauthDestination), ("defer_unauth_destination", RestrictionKind.DeferUnauthDestination),
        ("permit_auth_destination", RestrictionKind.PermitAuthDestination), ("permit_mx_backup", RestrictionKind.PermitMxBackup),
    ];

    private static readonly (string Name, RestrictionKind Kind)[] s_zones =
    [
        ("reject_rbl_client", RestrictionKind.RejectRblClient), ("reject_rbl", RestrictionKind.RejectRblClient), ("permit_dnswl_client", RestrictionKind.PermitDnswlClient),
        ("reject_rhsbl_client", RestrictionKind.RejectRhsblClient), ("permit_rhswl_client", RestrictionKind.PermitRhswlClient),
        ("reject_rhsbl_reverse_client", RestrictionKind.RejectRhsblReverseClient), ("reject_rhsbl_helo", RestrictionKind.RejectRhsblHelo),
        ("reject_rhsbl_sender", RestrictionKind.RejectRhsblSender), ("reject_rhsbl_recipient", RestrictionKind.RejectRhsblRecipient),
    ];

    private static readonly (string Name, AccessSubject Subject)[] s_subjects =
    [
        ("client", AccessSubject.Client), ("reverse_client_hostname", AccessSubject.ReverseClient), ("helo", AccessSubject.Helo), ("sender", AccessSubject.Sender),
        ("recipient", AccessSubject.Recipient), ("etrn", AccessSubject.Etrn), ("ccert", AccessSubject.Certificate), ("sasl", AccessSubject.SaslUser),
    ];

    /// <summary>Stands behind the lists that it is made of.</summary>
    private static readonly FrozenDictionary<string, Form> s_forms = Forms().ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private enum ArgumentForm : byte { None, Table, Zone, Seconds, Later }

    private readonly record struct Form(RestrictionKind Kind, ArgumentForm Argument, AccessSubject Subject = AccessSubject.None, AccessVia Via = AccessVia.Itself)
    {
        public int LaterArguments { get; init; }
    }
}
