using System.Net;
using Estafette.Config;
using Estafette.Config.Model;

namespace Estafette.Tests.Config;

public sealed class ListenTests
{
    private const string Rule = "\naction \"a\" mbox\nmatch for local action \"a\"\n";
    private const string OldRule = "\naccept for local deliver to mbox\n";

    private static MachineInMemory WithCertificate(string mode = "600") => new MachineInMemory()
        .With("/etc/ssl/mail.crt", "c").With("/etc/ssl/mail.key", "k", mode)
        .With("/etc/mail/certs/pcn0.crt", "c").With("/etc/mail/certs/pcn0.key", "k", mode)
        .With("/etc/mail/certs/special.crt", "c").With("/etc/mail/certs/special.key", "k", mode);

    private const string Pki = "pki mx.example.org cert \"/etc/ssl/mail.crt\"\npki mx.example.org key \"/etc/ssl/mail.key\"\n";

    private static string[] EndPoints(string listen, MachineInMemory? machine = null) =>
        [.. Conf.Good(listen + Rule, machine).Listeners.Select(l => l.EndPoint.ToString())];

    [Fact]
    public void O7_what_is_listened_on_becomes_addresses()
    {
        Assert.Equal(["127.0.0.1:25", "[::1]:25"], EndPoints("listen on lo"));
        Assert.Equal(["127.0.0.1:25", "[::1]:25"], EndPoints("listen on localhost"));
        Assert.Equal(["192.0.2.7:25", "[2001:db8::7]:25"], EndPoints("listen on pcn0"));
        Assert.Equal(["192.0.2.7:25", "[2001:db8::7]:25"], EndPoints("listen on egress"));
        Assert.Equal(["192.0.2.7:587"], EndPoints("listen on pcn0 inet4 port submission"));
        Assert.Equal(["[2001:db8::7]:25"], EndPoints("listen on pcn0 inet6"));
        Assert.Equal(["192.0.2.7:25"], EndPoints("listen on 192.0.2.7"));
        Assert.Equal(["[::1]:2525"], EndPoints("listen on ::1 port 2525"));
        Assert.Equal(["192.0.2.7:25"], EndPoints("listen on mail.example.org", new MachineInMemory().WithName("mail.example.org", "192.0.2.7", "198.51.100.1")));
    }

    [Fact]
    public void O7_all_is_one_socket_of_both_families_and_ipv4_where_there_is_nothing_else()
    {
        Assert.Equal(["[::]:25"], EndPoints("listen on all"));
        Assert.Equal(["0.0.0.0:25"], EndPoints("listen on all inet4"));
        Assert.Equal(["0.0.0.0:25"], EndPoints("listen on all", new MachineInMemory { HasIpv6 = false }));
    }

    [Fact]
    public void Localhost_is_ipv4_only_where_the_loopback_interface_is() =>
        Assert.Equal(["127.0.0.1:25"], EndPoints("listen on localhost", new MachineInMemory { Interfaces = [new InterfaceAddress("lo", IPAddress.Loopback)] }));

    [Fact]
    public void Without_listen_there_is_only_local_submission()
    {
        MailConfig config = Conf.Good(Rule);
        Assert.Empty(config.Listeners);
        Assert.Equal("local", config.LocalSubmission.Tag);
        Assert.True(Conf.Good("listen on socket mask-src tag \"here\"" + Rule).LocalSubmission is { MaskSource: true, Tag: "here" });
    }

    [Theory]
    [InlineData("listen on pcn9", "is no interface, address or host name of this machine", "did you mean `pcn0`?")]
    [InlineData("listen on lo port 70000", "is not a port", "write a number from 1 to 65535")]
    [InlineData("listen on lo port smpt", "is not a port", "did you mean `smtp`?")]
    [InlineData("listen on lo\nlisten on 127.0.0.1", "127.0.0.1:25 is listened on already", "remove one of the lines")]
    [InlineData("listen on all\nlisten on lo", "is listened on already", "`all` takes every address")]
    [InlineData("listen on lo port 25 port 26", "`port` stands twice", "remove one")]
    [InlineData("listen on lo tls-require", "TLS is asked for, but there is no certificate", "declare `pki mx.example.org cert")]
    [InlineData("listen on lo smtps", "TLS is asked for, but there is no certificate", "declare `pki mx.example.org cert")]
    [InlineData("listen on lo tls pki nobody", "there is no `pki nobody`", "declare it")]
    [InlineData("listen on lo filter \"no\"", "there is no filter `no`", "declare it")]
    [InlineData("listen on 127.0.0.1 inet6", "is no IPv6 address", "remove `inet4` or `inet6`")]
    public void What_cannot_be_listened_on_is_an_error_with_its_cure(string listen, string message, string cure)
    {
        ConfigResult result = Conf.Read(listen + Rule);
        Assert.Null(result.Config);
        Diagnostic error = result.Diagnostics.First(d => d.Severity == Severity.Error);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(cure, error.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void O15_tls_auth_tag_and_name_reach_the_listener()
    {
        ListenerConfig listener = Assert.Single(Conf.Good(
            Pki + "table c { a = b }\nlisten on 192.0.2.7 port 587 tls-require pki mx.example.org auth <c> tag SUBM hostname Hermes mask-src no-dsn" + Rule, WithCertificate()).Listeners);
        Assert.Equal((ListenerTls.Require, ListenerAuth.Required, "c", "SUBM", "Hermes"), (listener.Tls, listener.Auth, (listener.AuthSource as AuthSource.Table)?.Name, listener.Tag, listener.HostName));
        Assert.True(listener is { MaskSource: true, NoDsn: true });
        Assert.Equal(["mx.example.org"], listener.Identities.AsEnumerable());
    }

    [Theory]
    [InlineData("auth", "SystemUsers { Service = smtpd }", "")]
    [InlineData("auth-optional pam \"imap\"", "SystemUsers { Service = imap }", "")]
    [InlineData("auth dovecot \"/run/dovecot/auth-client\"", "Dovecot { SocketPath = /run/dovecot/auth-client }", "")]
    [InlineData("auth { a = b } mechanisms \"scram-sha-256 PLAIN\"", "Table", "SCRAM-SHA-256 PLAIN")]
    [InlineData("mechanisms \"GSSAPI\" auth dovecot \"/s\"", "Dovecot { SocketPath = /s }", "GSSAPI")]
    public void Auth_names_who_is_asked_and_how(string words, string source, string mechanisms)
    {
        ListenerConfig listener = Assert.Single(Conf.Good(Pki + "listen on 192.0.2.7 port 587 tls-require pki mx.example.org " + words + Rule, WithCertificate()).Listeners);
        Assert.StartsWith(source, listener.AuthSource.ToString(), StringComparison.Ordinal);
        Assert.Equal(mechanisms, string.Join(' ', listener.AuthMechanisms));
        Assert.False(listener.AuthWithoutTls);
    }

    [Theory]
    [InlineData("auth pam \"../passwd\"", "`../passwd` is no name of a PAM service")]
    [InlineData("auth dovecot \"auth-client\"", "is no absolute path of a socket")]
    [InlineData("auth mechanisms \"SCRAM-SHA-256\"", "`SCRAM-SHA-256` is not possible with the users of the system")]
    [InlineData("auth { a = b } mechanisms \"PLIAN\"", "`PLIAN` is not possible with a table")]
    [InlineData("auth { a = b } mechanisms \"\"", "no mechanism stands here")]
    [InlineData("mechanisms \"PLAIN\"", "how to log in is told, but not that one may")]
    public void E9_what_is_said_of_a_login_must_fit_together(string words, string message)
    {
        ConfigResult result = Conf.Read(Pki + "listen on 192.0.2.7 port 587 tls-require pki mx.example.org " + words + Rule, WithCertificate());
        Assert.Null(result.Config);
        Assert.Contains(message, Conf.Printed(result), StringComparison.Ordinal);
    }

    [Fact]
    public void E9_auth_without_tls_is_an_error_unless_said_in_so_many_words()
    {
        Assert.Contains("`auth` needs TLS", Conf.Printed(Conf.Read("listen on lo port 587 auth { a = b }" + Rule)), StringComparison.Ordinal);
        ConfigResult told = Conf.Read("listen on lo port 587 auth { a = b } auth-without-tls" + Rule);
        Assert.True(Assert.Single(told.Config!.Listeners.DistinctBy(l => l.AuthSource)).AuthWithoutTls);
        Assert.Contains("passwords may travel in the clear here", Conf.Printed(told), StringComparison.Ordinal);
    }

    [Fact]
    public void O16_the_old_grammar_finds_certificates_by_the_interface_or_the_name_given()
    {
        MailConfig config = Conf.Good("listen on pcn0 inet4 port 25 tls-require hostname Hermes\nlisten on pcn0 inet4 port 465 smtps certificate special" + OldRule, WithCertificate());
        Assert.Equal("/etc/mail/certs/pcn0.crt", config.Identities[config.Listeners[0].Identities[0]].CertificateFile);
        Assert.Equal("/etc/mail/certs/pcn0.key", config.Identities[config.Listeners[0].Identities[0]].KeyFile);
        Assert.Equal("/etc/mail/certs/special.crt", config.Identities[config.Listeners[1].Identities[0]].CertificateFile);
        Assert.Equal(ListenerTls.Implicit, config.Listeners[1].Tls);
    }

    [Fact]
    public void Dovecots_socket_is_missed_before_the_first_login()
    {
        const string Listen = Pki + "listen on 192.0.2.7 port 587 tls pki mx.example.org auth dovecot \"/run/dovecot/auth-client\"" + Rule;
        Assert.Contains("smtpd.conf:3:66: warning: `/run/dovecot/auth-client` is not there", Conf.Findings(Listen, WithCertificate()), StringComparison.Ordinal);
        Assert.DoesNotContain("is not there", Conf.Findings(Listen, WithCertificate().With("/run/dovecot/auth-client", "")), StringComparison.Ordinal);
    }

    [Fact]
    public void O16_authorities_for_clients_lie_beside_the_certificate_and_dh_is_told_to_be_needless()
    {
        MachineInMemory machine = WithCertificate().With("/etc/mail/certs/special.ca", "a").With("/etc/mail/certs/special.dh", "d");
        const string Verified = "listen on pcn0 inet4 port 25 tls-require verify certificate special";
        MailConfig config = Conf.Good(Verified + OldRule, machine);
        Assert.Equal("/etc/mail/certs/special.ca", config.TrustAnchors[Assert.Single(config.Listeners[0].ClientAnchors)]);
        Assert.Contains("special.dh` is not read", Conf.Findings(Verified + OldRule, machine), StringComparison.Ordinal);
        // Nobody vouches for clients who are not asked, and without the file it is the system's authorities.
        Assert.Empty(Conf.Good("listen on pcn0 inet4 port 25 tls-require certificate special" + OldRule, machine).TrustAnchors);
        Assert.Empty(Conf.Good(Verified + OldRule, WithCertificate()).Listeners[0].ClientAnchors);
    }

    [Fact]
    public void O16_a_key_that_everybody_may_read_is_refused_with_the_cure()
    {
        ConfigResult result = Conf.Read(Pki + "listen on lo tls pki mx.example.org" + Rule, WithCertificate("644"));
        Assert.Null(result.Config);
        Assert.Contains("the private key `/etc/ssl/mail.key` is open to everybody on this machine (mode 0644)", Conf.Printed(result), StringComparison.Ordinal);
        Assert.Contains("run `chmod 600 /etc/ssl/mail.key`", Conf.Printed(result), StringComparison.Ordinal);
        Assert.NotNull(Conf.Read(Pki + "listen on lo tls pki mx.example.org" + Rule, WithCertificate("640")).Config);
    }

    [Fact]
    public void A_certificate_file_that_is_missing_is_an_error_when_a_listener_needs_it()
    {
        Assert.Contains("the certificate `/etc/ssl/mail.crt` is missing", Conf.Findings(Pki + "listen on lo tls pki mx.example.org" + Rule), StringComparison.Ordinal);
        Assert.NotNull(Conf.Read(Pki + "listen on lo" + Rule).Config);
    }

    [Fact]
    public void A_pki_of_the_servers_name_is_taken_without_being_named()
    {
        ListenerConfig listener = Conf.Good(Pki + "listen on 192.0.2.7 tls" + Rule, WithCertificate()).Listeners[0];
        Assert.Equal(ListenerTls.Offer, listener.Tls);
        Assert.Equal(["mx.example.org"], listener.Identities.AsEnumerable());
    }

    [Fact]
    public void O24_auth_on_port_25_is_warned_of()
    {
        ConfigResult result = Conf.Read("listen on pcn0 port 25 tls-require auth hostname Hermes\nlisten on pcn0 port 465 smtps auth hostname Hermes" + OldRule, WithCertificate());
        Assert.NotNull(result.Config);
        Diagnostic warning = Assert.Single(result.Diagnostics);
        Assert.Equal((Severity.Warning, 1, 36), (warning.Severity, warning.At.Line, warning.At.Column));
        Assert.StartsWith("`auth` on port 25", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ssl_of_the_oldest_grammar_means_both_ports()
    {
        MailConfig config = Conf.Good("listen on pcn0 inet4 ssl certificate special auth" + OldRule, WithCertificate());
        Assert.Equal([(465, ListenerTls.Implicit), (25, ListenerTls.Offer)], config.Listeners.Select(l => (l.EndPoint.Port, l.Tls)));
    }

    [Fact]
    public void Hostnames_by_address_are_taken_from_the_table()
    {
        MailConfig config = Conf.Good("table names { \"192.0.2.7\" = four.example.org, \"2001:db8::7\" = six.example.org }\nlisten on pcn0 hostnames <names>" + Rule);
        Assert.Equal(["four.example.org", "six.example.org"], config.Listeners.Select(l => l.HostName));
    }

    [Fact]
    public void A_filter_process_is_refused_where_a_listener_uses_it()
    {
        const string Filter = "filter \"rspamd\" proc-exec \"filter-rspamd\"\n";
        Assert.Contains("not supported yet: the filter process `rspamd`", Conf.Findings(Filter + "listen on lo filter \"rspamd\"" + Rule), StringComparison.Ordinal);
        Assert.Contains("not supported yet: the filter process `rspamd`", Conf.Findings(Filter + "listen on lo filter { \"rspamd\" }" + Rule), StringComparison.Ordinal);
        Assert.IsType<FilterConfig.Process>(Conf.Good(Filter + "listen on lo" + Rule).Filters["rspamd"]);
    }

    [Fact]
    public void E49_E2_E30_who_is_trusted_with_what_is_named()
    {
        MailConfig config = Conf.Good("""
            listen on 192.0.2.7 proxy-v2 from { 192.0.2.1 } mend-newlines from { 198.51.100.0/24 }
            table senders { www-data = "info@example.org" }
            listen on socket senders <senders>
            """ + Rule);
        ListenerConfig listener = config.Listeners[0];
        Assert.Equal("192.0.2.1", Assert.Single(config.Tables[listener.ProxySources!].Rows).Key);
        Assert.Equal("198.51.100.0/24", Assert.Single(config.Tables[listener.MendedSources!].Rows).Key);
        Assert.Equal("senders", config.LocalSubmission.SendersTable);
        Assert.Contains("`proxy-v2` believes everybody who can connect here", Conf.Findings("listen on 192.0.2.7 proxy-v2" + Rule), StringComparison.Ordinal);
        Assert.Contains("`mend-newlines` needs to know for whom", Conf.Findings("listen on 192.0.2.7 mend-newlines" + Rule), StringComparison.Ordinal);
    }
}
