using System.Net;
using Estafette.Config;
using Estafette.Config.Dialects.Postfix;
using Estafette.Config.Model;

namespace Estafette.Tests.Config.Postfix;

/// <summary>How master.cf is read (master(5)), and which listeners and actions its services become.</summary>
public sealed class MasterCfTests
{
    private const string Course = """
        # service	type	private	unpriv	chroot	wakeup	maxproc	command + args
        smtpd	inet	n	_	_	_	_	smtpd
        pickup	fifo	n	_	_	60	1	pickup
        cleanup	unix	n	_	_	_	0	cleanup
        qmgr	fifo	n	_	_	300	1	qmgr
        rewrite	unix	_	_	_	_	_	trivial-rewrite
        defer	unix	_	_	_	_	0	bounce
        flush	unix	n	_	_	1000?	0	flush
        smtp	unix	_	_	_	_	_	smtp
        relay	unix	_	_	_	_	_	smtp
        showq	unix	n	_	_	_	_	showq
        local	unix	_	n	n	_	_	local
        virtual	unix	_	n	n	_	_	virtual
        """;

    [Fact]
    public void V4_the_columns_of_the_course_are_read_with_a_word_on_what_is_meant()
    {
        ConfigResult result = MainCfText.Read("", Course);
        Assert.NotNull(result.Config);
        Assert.Equal(25, Assert.Single(result.Config.Listeners).EndPoint.Port);
        Assert.Equal(["local", "relay", "smtp", "virtual"], result.Config.Actions.Keys.Order(StringComparer.Ordinal));
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Warning && d.Cure == "write `-`");
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Warning && d.Cure == "write `smtp inet ... smtpd`");
    }

    [Theory]
    [InlineData("x inet n - -", "bad field count: \"x inet n - -\"")]
    [InlineData("x tcp n - - - - smtpd", "bad transport type: tcp")]
    [InlineData("x inet y - - - - smtpd", "inet service cannot be private")]
    [InlineData("x unix maybe - - - - smtp", "field \"private\": bad value: \"maybe\"")]
    [InlineData("x unix - - - soon - smtp", "field \"wakeup_time\": bad value: \"soon\"")]
    [InlineData("x unix - - - - many smtp", "field \"max_proc\": bad value: \"many\"")]
    [InlineData("25 inet n - - - - smtpd -o x = y", "service 25/inet: missing '=' after attribute name: \"-o x\"")]
    [InlineData("25 inet n - - - - smtpd -o { x = y", "service 25/inet: missing '}' in \"{ x = y\"")]
    [InlineData("rewrite unix - - - - - trivial —rewrite", "service rewrite/unix: there is no program trivial")]
    [InlineData("nosuchport inet n - - - - smtpd", "host/service nosuchport not found: Servname not supported for ai_socktype")]
    [InlineData("x unix - n n - - pipe flags=R user=nobody", "service x/unix: missing command attribute argv=")]
    public void V4_what_no_column_may_hold_is_an_error_with_a_cure(string line, string message)
    {
        ConfigResult result = MainCfText.Read("", MainCfText.UsualMaster + "\n" + line + "\n");
        Assert.Contains(result.Diagnostics, d => d.Severity == Severity.Error && d.Message == message && d.Cure is not null);
        Assert.Null(result.Config);
    }

    [Fact]
    public void V4_options_hold_for_their_service_alone_in_all_notations()
    {
        MailConfig config = MainCfText.Config("""
            inet_interfaces = 127.0.0.1
            own_list = permit_mynetworks, reject
            """, """
            smtp inet n - n - - smtpd
            submission inet n - n - - smtpd -v -osmtpd_delay_reject=no
              -o { smtpd_sender_restrictions = permit_mynetworks, reject }
              # a comment
              -o smtpd_recipient_restrictions=$own_list
            smtp unix - - n - - smtp -o smtp_helo_name=one.test
            slow unix - - n - 1 smtp -o smtp_helo_name=$service_name.test
            cleanup unix n - n - 0 cleanup
            """);
        ListenerConfig first = config.Listeners[0], second = config.Listeners[1];
        Assert.Equal((25, 587), (first.EndPoint.Port, second.EndPoint.Port));
        Assert.Equal((true, false), (first.Smtpd!.DelayReject, second.Smtpd!.DelayReject));
        Assert.Equal((0, 2), (first.Smtpd.Sender.Length, second.Smtpd.Sender.Length));
        Assert.Equal(["permit_mynetworks", "reject"], second.Smtpd.Recipient.Select(r => r.Word));
        Assert.Equal(("one.test", "slow.test"), (((ActionConfig.Relay)config.Actions["smtp"]).Helo, ((ActionConfig.Relay)config.Actions["slow"]).Helo));
    }

    [Theory]
    [InlineData("", "[::]:25")]
    [InlineData("inet_protocols = ipv4", "0.0.0.0:25")]
    [InlineData("inet_interfaces = loopback-only", "127.0.0.1:25 [::1]:25")]
    [InlineData("inet_interfaces = loopback-only\ninet_protocols = ipv6", "[::1]:25")]
    [InlineData("inet_interfaces = localhost\ninet_protocols = ipv4", "127.0.0.1:25")]
    [InlineData("inet_interfaces = 192.0.2.7, [2001:db8::7]", "192.0.2.7:25 [2001:db8::7]:25")]
    public void P6_listeners_follow_interfaces_and_protocols(string main, string endPoints) =>
        Assert.Equal(endPoints, string.Join(' ', MainCfText.Config(main + "\n").Listeners.Select(l => l.EndPoint)));

    [Theory]
    [InlineData("submissions", 465)]
    [InlineData("smtps", 465)]
    [InlineData("465", 465)]
    [InlineData("127.0.0.1:10025", 10025)]
    [InlineData("[::1]:10025", 10025)]
    [InlineData("localhost:10025", 10025)]
    [InlineData("odd", 2525)]
    public void A_service_has_its_port_by_number_name_or_etc_services(string name, int port)
    {
        MachineInMemory machine = new MachineInMemory().With("/etc/services", "odd 2525/tcp other # x\n");
        Assert.All(MainCfText.Config("", name + " inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\n", machine).Listeners, l => Assert.Equal(port, l.EndPoint.Port));
    }

    [Theory]
    [InlineData("inet_interfaces = nowhere.test", "host not found: nowhere.test")]
    [InlineData("inet_protocols = ipv5", "unknown inet_protocols value \"ipv5\" in \"ipv5\"")]
    public void P6_an_interface_or_protocol_that_is_not_there_is_an_error(string main, string message) =>
        Assert.Contains(MainCfText.Read(main + "\n").Diagnostics, d => d.Severity == Severity.Error && d.Message == message);

    [Theory]
    [InlineData("inet", 0)]
    [InlineData("!25/inet, inet", 1)]
    [InlineData("587/inet", 1)]
    [InlineData("unix", 2)]
    public void Services_that_are_switched_off_are_not_there(string value, int listeners) =>
        Assert.Equal(listeners, MainCfText.Config("inet_protocols = ipv4\nmaster_service_disable = " + value + "\n", "25 inet n - n - - smtpd\n587 inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\n").Listeners.Length);

    [Fact]
    public void A_service_without_a_listener_says_so_and_local_programs_can_send()
    {
        ConfigResult result = MainCfText.Read("", "cleanup unix n - n - 0 cleanup\nsmtp unix - - n - - smtp\n");
        Assert.Empty(result.Config!.Listeners);
        Assert.NotNull(result.Config.LocalSubmission.Cleanup);
    }
}
