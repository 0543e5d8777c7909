using System.Globalization;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;
using Estafette.Events;
using Estafette.Mail;
using Estafette.SystemTests.Harness;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Peers;

/// <summary>Dovecot's LMTP service, over TCP and over its Unix socket.</summary>
public sealed class SendingToDovecotTests
{
    [Fact]
    public async Task Dovecot_stores_what_LMTP_brings_and_refuses_whom_it_does_not_know()
    {
        Assert.True(Environment.IsPrivilegedProcess, "Dovecot's master needs root");
        using var folder = new TemporaryFolder();
        int port = Ports.Free();
        string configuration = Configuration(folder, port);
        await using var dovecot = new Background("/usr/sbin/dovecot", ["-F", "-c", configuration]);
        await Wait.UntilAsync(() => PeerPort.AnswersAsync(port), "Dovecot listens");

        foreach (string destination in (string[])[string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), folder["run/lmtp"]])
        {
            TestJob[] jobs = [Job("alice"), Job("nobodyelse"), Job("alice")];
            var action = new ActionConfig.Local { Name = "boxes", At = SourceSpan.None, Method = new LocalMethod.Lmtp(destination, RecipientAddress: false) };
            var agent = new LmtpAgent(new FakeDns(), new FakeTables(), EventSink.Silent, TimeProvider.System);
            var config = new MailConfig { Dialect = Dialect.OpenSmtpd, Source = "", HostName = "mx.home.test" };
            await agent.ServeAsync(new TestLane(agent.NextHopOf(action, jobs[0].Envelope.Recipients[0], jobs[0].ReversePath), action, config, jobs), default).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(jobs[0].Outcomes[0].Kind == OutcomeKind.Relayed, jobs[0].Outcomes[0] + dovecot.Output);
            Assert.True(jobs[1].Outcomes[0].Kind == OutcomeKind.Failed, jobs[1].Outcomes[0] + dovecot.Output);
            Assert.Equal(OutcomeKind.Relayed, jobs[2].Outcomes[0].Kind);
        }
        string[] stored = Directory.GetFiles(folder["mail/alice/new"]);
        Assert.Equal(4, stored.Length);
        Assert.All(stored, f => Assert.Contains("Delivered-To: alice@home.test\n", File.ReadAllText(f), StringComparison.Ordinal));
    }

    private static TestJob Job(string user) => new TestJob("Subject: x\r\n\r\n.dot\r\n", "bob@home.test", user + "@home.test").With(e => e with
    {
        Recipients = [e.Recipients[0] with { Target = new DeliveryTarget.User(user) }],
    });

    private static string Configuration(TemporaryFolder folder, int port)
    {
        // Dovecot writes as the user it delivers to.
        File.SetUnixFileMode(Directory.CreateDirectory(folder["mail"]).FullName, (UnixFileMode)0b111_111_111);
        folder.Write("users", "alice::65534:65534::/nonexistent::\n");
        return folder.Write("dovecot.conf", $$"""
            base_dir = {{folder["run"]}}
            state_dir = {{folder["state"]}}
            log_path = /dev/stderr
            protocols = lmtp
            listen = 127.0.0.1
            ssl = no
            first_valid_uid = 1
            mail_location = maildir:{{folder["mail"]}}/%u
            auth_username_format = %n
            passdb {
              driver = static
              args = nopassword
            }
            userdb {
              driver = passwd-file
              args = {{folder["users"]}}
            }
            service lmtp {
              inet_listener lmtp {
                address = 127.0.0.1
                port = {{port}}
              }
            }

            """);
    }
}
