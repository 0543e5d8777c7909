namespace Estafette.Differ.Cases;

/// <summary>What every case shares: the names in the DNS, the hosts that take mail, the services of master.cf.</summary>
internal static class World
{
    public static readonly string[] Users = ["alice", "bob", "carol", "dave"];

    public static readonly string[] Directives =
    [
        "dns here.test MX 10 mx.here.test",
        "dns far.test MX 10 mail.far.test",
        "dns mail.far.test A 198.51.100.20",
        "dns away.test A 198.51.100.20",
        "dns picky.test MX 10 mail.picky.test",
        "dns mail.picky.test A 198.51.100.21",
        "dns hub.test A 198.51.100.22",
        "dns nomail.test MX 0 .",
        "dns broken.test SERVFAIL",
        "dns client.test A 203.0.113.9",
        "dns client.test MX 10 mail.far.test",
        "dns 11.113.0.203.in-addr.arpa PTR liar.test",
        "dns liar.test A 203.0.113.12",
        "dns 9.113.0.203.bl.test A 127.0.0.2",
        "dns 9.113.0.203.bl.test TXT listed for spam",
        "dns far.test.dbl.test A 127.0.1.2",
        "sink out 198.51.100.20:25",
        "sink picky 198.51.100.21:25",
        "sink hub 198.51.100.22:25",
        "sink box 198.51.100.23:24 lmtp",
        "rule picky rcpt no* 550 5.1.1 no such user here",
        "rule picky rcpt full* 452 4.2.2 mailbox full",
        "rule picky rcpt plain* 550 go away",
        "rule picky mail bad* 553 5.1.8 sender refused",
        "rule picky eod late* 554 5.6.0 content refused",
        "rule box eod no* 550 5.1.1 no mailbox",
        "rule box eod full* 452 4.2.2 over quota",
        "pre newaliases",
    ];

    /// <summary>Debian's services, none of them in a chroot.</summary>
    public const string Master = """
        smtp      inet  n       -       n       -       -       smtpd
        pickup    unix  n       -       n       60      1       pickup
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        tlsmgr    unix  -       -       n       1000?   1       tlsmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        defer     unix  -       -       n       -       0       bounce
        trace     unix  -       -       n       -       0       bounce
        verify    unix  -       -       n       -       1       verify
        flush     unix  n       -       n       1000?   0       flush
        proxymap  unix  -       -       n       -       -       proxymap
        proxywrite unix -       -       n       -       1       proxymap
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
                -o syslog_name=postfix/$service_name
        showq     unix  n       -       n       -       -       showq
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        discard   unix  -       -       n       -       -       discard
        local     unix  -       n       n       -       -       local
        virtual   unix  -       n       n       -       -       virtual
        lmtp      unix  -       -       n       -       -       lmtp
        anvil     unix  -       -       n       -       1       anvil
        scache    unix  -       -       n       -       1       scache
        postlog   unix-dgram n  -       n       -       1       postlogd

        """;
}
