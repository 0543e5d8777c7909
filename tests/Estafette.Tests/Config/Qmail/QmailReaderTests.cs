using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Dialects.Qmail;
using Estafette.Config.Model;

namespace Estafette.Tests.Config.Qmail;

public class QmailReaderTests
{
    private const string Control = "/var/qmail/control/";

    private static MachineInMemory Machine() => new MachineInMemory().With(Control + "me", "mx.example.org\n").With(Control + "rcpthosts", "example.org\n");

    private static ConfigResult Read(MachineInMemory machine, string path = "/var/qmail/control") => QmailReader.Read(path, new ReadOptions { Machine = machine });

    private static MailConfig Config(MachineInMemory machine)
    {
        ConfigResult result = Read(machine);
        Assert.Empty(result.Diagnostics.Where(d => d.Severity == Severity.Error).Select(d => d.Message));
        return result.Config!;
    }

    private static Diagnostic Only(MachineInMemory machine, Severity severity) => Assert.Single(Read(machine).Diagnostics, d => d.Severity == severity);

    [Fact]
    public void The_smallest_folder_listens_on_loopback_and_knows_its_name()
    {
        MailConfig config = Config(Machine());
        Assert.Equal("mx.example.org", config.HostName);
        Assert.Equal("127.0.0.1:25", Assert.Single(config.Listeners).EndPoint.ToString());
        Assert.Equal(["mx.example.org"], config.Control!.Locals);
        Assert.Equal("MAILER-DAEMON@mx.example.org", config.Control.BounceFrom);
        Assert.Equal("postmaster@mx.example.org", config.Control.DoubleBounceTo);
    }

    [Theory]
    [InlineData("/var/qmail")]
    [InlineData("/var/qmail/")]
    [InlineData("/var/qmail/control/")]
    public void Q7_The_folder_above_will_do(string path) => Assert.NotNull(Read(Machine(), path).Config);

    [Fact]
    public void Q9_Without_rcpthosts_nobody_listens_and_the_scripts_words_say_why()
    {
        Diagnostic error = Only(new MachineInMemory().With(Control + "me", "mx.example.org\n"), Severity.Error);
        Assert.Equal("No /var/qmail/control/rcpthosts! Refusing to start SMTP listener because it'll create an open relay", error.Message);
    }

    [Fact]
    public void Q8_An_unset_value_of_the_script_stops_it_in_the_scripts_words()
    {
        MachineInMemory machine = Machine().With(Control + "qmail-smtpd/run", "MAX=`cat /var/lib/qmail/control/concurrencyincoming`\nexec tcpserver -c \"$MAX\" 0 smtp qmail-smtpd\n");
        Assert.StartsWith("QMAILDUID, NOFILESGID, MAXSMTPD, or LOCAL is unset in ", Only(machine, Severity.Error).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "0.0.0.0:25")]
    [InlineData("127.0.0.1", "127.0.0.1:25")]
    public void Q4_The_address_of_the_script_is_listened_on(string address, string endPoint)
    {
        MachineInMemory machine = Machine().With(Control + "concurrencyincoming", "7\n")
            .With(Control + "qmail-smtpd/run", $"MAX=`cat /var/lib/qmail/control/concurrencyincoming`\nexec softlimit -m 7000000 tcpserver -c \"$MAX\" {address} smtp qmail-smtpd 2>&1\n");
        MailConfig config = Config(machine);
        Assert.Equal(endPoint, Assert.Single(config.Listeners).EndPoint.ToString());
        Assert.Equal(7, config.Limits.Sessions);
        Assert.Contains("7000000", Only(machine, Severity.Info).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Locals_missing_and_empty_are_not_the_same() => Assert.Empty(Config(Machine().With(Control + "locals", "")).Control!.Locals);

    [Fact]
    public void Routes_with_logins_become_next_hops_and_credentials()
    {
        MailConfig config = Config(Machine().With(Control + "smtproutes", "a.test:one.test:2525\n.a.test:[127.0.0.20]\ndirect.test:\n:smtp.orange.fr:587 user secret\n", "640"));
        Assert.Equal("[one.test]:2525", config.Control!.Routes["a.test"]);
        Assert.Equal("[127.0.0.20]", config.Control.Routes[".a.test"]);
        Assert.Equal("", config.Control.Routes["direct.test"]);
        Assert.Equal("[smtp.orange.fr]:587", config.Control.Routes[""]);
        Assert.Equal(new KeyValuePair<string, string>("[smtp.orange.fr]:587", "user:secret"), Assert.Single(config.Tables["smtproutes"].Rows));
    }

    [Fact]
    public void Q14_The_articles_line_counts_with_a_warning_and_an_open_file_with_another()
    {
        ConfigResult result = Read(Machine().With(Control + "smtproutes", "smtp.orange.fr user secret\n", "644"));
        Assert.Equal("[smtp.orange.fr]", result.Config!.Control!.Routes[""]);
        Assert.Equal(2, result.Diagnostics.Count(d => d.Severity == Severity.Warning));
        Assert.DoesNotContain(result.Diagnostics, d => (d.Message + d.Cure).Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public void E54_A_wrong_line_with_a_password_is_an_error_that_does_not_show_it()
    {
        Diagnostic error = Only(Machine().With(Control + "smtproutes", "\n:host user secret words\n"), Severity.Error);
        Assert.Equal(2, error.At.Line);
        Assert.DoesNotContain("secret", error.Message + error.Cure, StringComparison.Ordinal);
    }

    [Fact]
    public void Virtual_domains_and_the_first_line_wins()
    {
        ConfigResult result = Read(Machine().With(Control + "virtualdomains", "virt.test:alice-v\n.virt.test:bob\nexcept.virt.test:\nVirt.test:second\nnothing\n"));
        Assert.Equal("alice-v", result.Config!.Control!.VirtualDomains["virt.test"]);
        Assert.Equal("", result.Config.Control.VirtualDomains["except.virt.test"]);
        Assert.Equal(5, Assert.Single(result.Diagnostics).At.Line);
    }

    [Fact]
    public void Attempts_go_further_and_further_apart_until_the_life_time_ends()
    {
        RetryConfig retry = Config(Machine().With(Control + "queuelifetime", "3600\n")).Retry;
        Assert.Equal<TimeSpan>([TimeSpan.FromSeconds(400), TimeSpan.FromSeconds(1200), TimeSpan.FromSeconds(2000)], [.. retry.Schedule]);
        Assert.Equal(TimeSpan.FromHours(1), retry.Lifetime);
    }

    [Fact]
    public void No_name_is_an_error() => Assert.Contains("qmail has no name", Only(new MachineInMemory().With(Control + "me", "\n").With(Control + "rcpthosts", ""), Severity.Error).Message, StringComparison.Ordinal);

    [Fact]
    public void Q2_A_name_without_a_domain_is_a_warning_only() => Assert.NotNull(Read(Machine().With(Control + "me", "box\n")).Config);
}
