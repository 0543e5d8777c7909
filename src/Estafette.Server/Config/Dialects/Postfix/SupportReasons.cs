namespace Estafette.Config.Dialects.Postfix;

/// <summary>Why a parameter is not supported, in words for the administrator: what a warning and docs/postfix.md say. The keys stand in <c>Parameters.txt</c>.</summary>
internal static class SupportReasons
{
    public static string Words(string reason) => reason switch
    {
        "postscreen" => "postscreen(8), dnsblog(8) and tlsproxy(8) are not there yet",
        "milters" => "mail filters that speak the milter protocol are not there yet",
        "policy" => "policy services (SMTPD_POLICY_README) are not there yet",
        "verify" => "address verification (ADDRESS_VERIFICATION_README) is not there yet",
        "proxy-filter" => "the filter before the queue (SMTPD_PROXY_README) is not there yet; content_filter is",
        "xclient" => "XCLIENT and XFORWARD are not there yet",
        "proxy-protocol" => "the PROXY protocol is not there yet for main.cf",
        "qmqp" => "QMQP is not served",
        "instances" => "one server runs one configuration; start another one for another",
        "storage" => "the queue and the tables have a form of their own",
        "processes" => "there are no processes of this kind: one server does their work",
        "paths" => "the program knows where its parts are",
        "identity" => "the server's user is chosen when it is installed",
        "debugger" => "no debugger is started",
        "tls-library" => "the TLS library sees to it",
        "scheduler" => "the queue shares itself out in its own way",
        "log" => "the log goes to standard error or the journal",
        "resolver" => "the server asks name servers itself, and needs no such care",
        "dsa" => "DSA certificates are of the past; RSA and ECDSA are served",
        "reuse" => "connections are reused by themselves",
        "pix" => "the firewalls that needed it are of the past",
        "login-cache" => "a login that was refused is remembered by itself",
        "obsolete" => "the program that needed it is of the past",
        "sasl-library" => "SASL needs no library here",
        "value" => "it stands for itself in other values",
        "verp" => "VERP (VERP_README) is not there yet",
        "dane" => "DANE is not there yet",
        "templates" => "bounce templates (bounce(5)) are not there yet",
        "status-filter" => "filters of delivery status are not there yet",
        "dns-filter" => "filters of DNS replies are not there yet",
        "octets" => "whether a message holds 8-bit text is seen from its octets",
        "line-ends" => "lines end as the protocol asks; what else looks like an end of line becomes a blank or is refused",
        "quit" => "nobody waits for the answer to QUIT",
        "locks" => "a mailbox is locked in all ways that its readers know",
        "deadline" => "every transfer has a least pace and a time limit of its own",
        "fixed" => "the limit is the same and fixed",
        "smuggling" => "a lone line feed never ends a message here, and nobody can hide a second one in it",
        "" => "it is not there yet",
        _ => reason,
    };
}
