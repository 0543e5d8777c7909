using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// AUTH as one service of smtpd(8) offers it (<c>postconf(5) smtpd_sasl_*</c>). Type <c>dovecot</c> asks Dovecot; type <c>cyrus</c> has no library here: the users of this system are asked through PAM.
/// Without TLS nothing is offered but on loopback, or where <c>smtpd_tls_auth_only = no</c> is written (E9).
/// </summary>
internal sealed class SmtpdLoginLowering(ReadingContext context)
{
    private static readonly string[] s_plain = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];
    private static readonly string[] s_guessable = [.. s_plain, "CRAM-MD5", "DIGEST-MD5"];

    public ListenerConfig Lower(ParameterReader reader, ListenerConfig listener)
    {
        bool enabled = reader.Flag("smtpd_sasl_auth_enable");
        bool tlsOnly = reader.Flag("smtpd_tls_auth_only");
        AuthSource? source = Source(reader, enabled);
        string options = reader.Text("smtpd_sasl_security_options"), optionsWithTls = reader.Text("smtpd_sasl_tls_security_options");
        bool clear = !tlsOnly && (reader.IsSet("smtpd_tls_auth_only") || IPAddress.IsLoopback(listener.EndPoint.Address));
        if (enabled && !clear && !tlsOnly && listener.Tls == ListenerTls.None)
            context.Findings.Warning(reader.Place("smtpd_sasl_auth_enable"), "service " + listener.Spec + ": there is no TLS here, and without it AUTH is not offered",
                "set smtpd_tls_cert_file and smtpd_tls_security_level; or write `smtpd_tls_auth_only = no`, and passwords travel in the clear");
        var logins = new SmtpdLogins
        {
            Enabled = enabled,
            BrokenClients = reader.Flag("broken_sasl_auth_clients"),
            Exceptions = reader.MatchList("smtpd_sasl_exceptions_networks"),
            LocalDomain = reader.Text("smtpd_sasl_local_domain"),
            Forbidden = Forbidden(reader, "smtpd_sasl_security_options", options),
            ForbiddenWithTls = Forbidden(reader, "smtpd_sasl_tls_security_options", optionsWithTls),
        };
        return listener with
        {
            Auth = enabled ? ListenerAuth.Optional : ListenerAuth.None,
            AuthSource = source ?? listener.AuthSource,
            AuthWithoutTls = clear,
            Smtpd = listener.Smtpd! with { Logins = logins },
        };
    }

    private AuthSource? Source(ParameterReader reader, bool enabled)
    {
        string type = reader.Text("smtpd_sasl_type").ToLowerInvariant(), path = reader.Text("smtpd_sasl_path"), service = reader.Text("smtpd_sasl_service");
        if (!enabled)
            return null;
        if (type == "dovecot")
        {
            if (path.StartsWith("inet:", StringComparison.Ordinal))
                reader.Fail("smtpd_sasl_path", "Dovecot is asked through a Unix socket: " + path, "name the `unix_listener` of Dovecot's `service auth`, such as private/auth");
            else
                return new AuthSource.Dovecot(Path.Combine(reader.Text("queue_directory"), path.StartsWith("unix:", StringComparison.Ordinal) ? path[5..] : path));
            return null;
        }
        if (type != "cyrus")
        {
            reader.Fail("smtpd_sasl_type", "unsupported SASL server type: " + type, "write dovecot or cyrus");
            return null;
        }
        context.Findings.Note(reader.Place(reader.IsSet("smtpd_sasl_type") ? "smtpd_sasl_type" : "smtpd_sasl_auth_enable"),
            "Cyrus SASL is not used: logins are the users of this system, asked through PAM (service " + service + ")", "write `smtpd_sasl_type = dovecot` to ask Dovecot");
        return new AuthSource.SystemUsers(service);
    }

    private static FrozenSet<string> Forbidden(ParameterReader reader, string name, string options)
    {
        var forbidden = new HashSet<string>(["ANONYMOUS", "EXTERNAL"], StringComparer.OrdinalIgnoreCase);
        foreach (string option in Words.Split(options))
        {
            switch (option.ToLowerInvariant())
            {
                case "noplaintext": forbidden.UnionWith(s_plain); break;
                case "nodictionary" or "noactive" or "forward_secrecy" or "mutual_auth": forbidden.UnionWith(s_guessable); break;
                case "noanonymous": break;
                default: reader.Fail(name, "unknown security option \"" + option + "\"", "write noanonymous, noplaintext, nodictionary, noactive, forward_secrecy or mutual_auth"); break;
            }
        }
        return forbidden.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }
}
