using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy.Restrictions;

/// <summary>The restrictions about the client: its address, its name, its login, its certificate, the way it talks.</summary>
internal sealed class ClientRules(PolicyTables tables, Func<IPAddress, bool> isOwn)
{
    private static readonly EnhancedStatus s_policy = new(5, 7, 1);

    /// <summary>RFC 7372 s3.3: reverse DNS validation failed.</summary>
    private static readonly EnhancedStatus s_reverse = new(5, 7, 25);

    public async ValueTask<Outcome> AskAsync(RestrictionRun run, Restriction restriction, CancellationToken cancellationToken)
    {
        RestrictionFacts facts = run.Facts;
        switch (restriction.Kind)
        {
            case RestrictionKind.PermitMyNetworks:
                return await tables.ContainsAsync(run.Config.Networks, facts.Address, cancellationToken) switch
                {
                    true => Outcome.Permit,
                    false => Outcome.Dunno,
                    _ => run.LookupFailed(run.About.Name),
                };
            case RestrictionKind.PermitInetInterfaces:
                return isOwn(facts.Address) ? Outcome.Permit : Outcome.Dunno;
            case RestrictionKind.PermitSaslAuthenticated:
                return facts.Login is not null ? Outcome.Permit : Outcome.Dunno;
            case RestrictionKind.PermitTlsAllClientCerts:
                return facts.Certificate is { IsVerified: true } ? Outcome.Permit : Outcome.Dunno;
            case RestrictionKind.PermitTlsClientCerts:
                return await CertificateAsync(run, cancellationToken);
            case RestrictionKind.RejectPlaintextSession:
                return facts.Tls ? Outcome.Dunno : run.Refuse(run.Config.Codes.Plaintext, s_policy, "Session encryption is required");
            case RestrictionKind.RejectUnauthPipelining:
                return facts.SpokeTooEarly ? run.Refuse(503, new EnhancedStatus(5, 5, 0), run.About, "Improper use of SMTP command pipelining") : Outcome.Dunno;
            case RestrictionKind.RejectUnknownClientHostname:
                return UnknownName(run, facts.NameState, "cannot find your hostname", s_reverse);
            default:
                return UnknownName(run, facts.NameState == PeerNameState.Forged ? PeerNameState.Found : facts.NameState, "cannot find your reverse hostname", s_policy);
        }
    }

    /// <summary>A name server that cannot say is never a reason to refuse for good.</summary>
    private static Outcome UnknownName(RestrictionRun run, PeerNameState state, string problem, EnhancedStatus status)
    {
        if (state == PeerNameState.Found)
            return Outcome.Dunno;
        int code = state == PeerNameState.Unsure ? 450 : run.Config.Codes.UnknownClient;
        return run.Refuse(code, status, $"Client host rejected: {problem}, [{run.Facts.Address}]");
    }

    private async ValueTask<Outcome> CertificateAsync(RestrictionRun run, CancellationToken cancellationToken)
    {
        if (run.Facts.Certificate is not { } certificate)
            return Outcome.Dunno;
        foreach (string digest in (string[])[certificate.Fingerprint, certificate.KeyFingerprint])
        {
            switch (await tables.FindAsync(run.Config.RelayClientCertificates, DigestText(digest), cancellationToken))
            {
                case TableAnswer.Found: return Outcome.Permit;
                case TableAnswer.Unavailable: return run.LookupFailed(run.About.Name);
            }
        }
        return Outcome.Dunno;
    }

    /// <summary>As Postfix writes digests: pairs of capitals with colons between.</summary>
    public static string DigestText(string hexadecimal)
    {
        var text = new System.Text.StringBuilder(hexadecimal.Length * 3 / 2);
        for (int i = 0; i + 1 < hexadecimal.Length; i += 2)
            text.Append(i == 0 ? "" : ":").Append(hexadecimal.AsSpan(i, 2));
        return text.ToString().ToUpperInvariant();
    }
}
