using System.Net.Sockets;
using System.Text;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Mail;
using Estafette.Routing;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

public sealed class LocalGatekeeperTests
{
    private const string Message = "Subject: gate\r\n\r\nHello.\r\n";

    [Fact]
    public async Task E13_only_the_daemons_uid_may_connect()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir(), daemonUid: LocalDeliveryRig.IsRoot ? 0 : LocalDeliveryRig.OwnUid + 1);
        const string Client = "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"connect: $!\"; print $s \"XUSER user = =games\\r\\n\"; print scalar <$s>";
        string[] perl = ["perl", "-e", Client, rig.SocketPath];
        CommandResult result = LocalDeliveryRig.IsRoot
            ? await Command.RunAsync("/usr/bin/setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", .. perl])
            : await Command.RunAsync("/usr/bin/env", perl);
        Assert.StartsWith("550 5.7.1 ", result.Output, StringComparison.Ordinal);
        if (LocalDeliveryRig.IsRoot)
            Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message)).Kind);
    }

    [Theory]
    [InlineData("XUSER root\r\n", "550")]
    [InlineData("XUSER user = =root\r\n", "450")]
    [InlineData("XUSER user = =../../etc\r\n", "550")]
    [InlineData("XUSER table =local =nobody-such\r\n", "550")]
    [InlineData("XUSER action =local =\r\n", "450")]
    [InlineData("XUSER user = =+ZZ\r\n", "550")]
    [InlineData("XUSER login =su =\r\n", "450")]
    [InlineData("XUSER login =../../tmp/evil =\r\n", "450")]
    [InlineData("XUSER login = =\r\n", "450")]
    [InlineData("GET / HTTP/1.1\r\n", "550")]
    public async Task E13_hostile_first_lines_are_refused(string line, string reply)
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        Assert.StartsWith(reply + " ", await TalkAsync(rig, line), StringComparison.Ordinal);
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message)).Kind);
    }

    [Fact]
    public async Task A_helper_serves_its_own_user_only()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        string text = await TalkAsync(rig, "XUSER table =local =tester\r\nMAIL FROM:<>\r\nRCPT TO:<root> ACTION=local\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n");
        Assert.StartsWith("220 ", text, StringComparison.Ordinal);
        Assert.Contains("450 4.3.5 this process serves tester, not root", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_garbled_transaction_ends_that_connection_only()
    {
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        string text = await TalkAsync(rig, "XUSER table =local =tester\r\nBDAT 99999999999999999999 LAST\r\n");
        Assert.Equal("220 2.0.0 tester\r\n", text);
        Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message)).Kind);
    }

    [Fact]
    public async Task E18_forward_files_are_read_as_the_user()
    {
        if (!LocalDeliveryRig.IsRoot)
            return;
        await using var rig = await LocalDeliveryRig.StartAsync(new LocalMethod.Maildir());
        string user = $"eft{Environment.ProcessId}", home = rig.Folder["home/person"];
        Assert.Equal(0, (await Command.RunAsync("/usr/sbin/useradd", ["-m", "-d", home, user])).ExitCode);
        try
        {
            string forward = Path.Combine(home, ".forward");
            var files = new LocalForwardFiles(rig.Connections, TimeProvider.System);
            Assert.IsType<ForwardFile.None>(await files.ReadAsync(user, "", default));
            await File.WriteAllTextAsync(forward, $"other, \"|cat > {home}/cmd.out\"\n/dev/null\n");
            files = new LocalForwardFiles(rig.Connections, TimeProvider.System);
            Assert.StartsWith("other, ", Assert.IsType<ForwardFile.Text>(await files.ReadAsync(user, "tag", default)).Content, StringComparison.Ordinal);
            Assert.Equal(OutcomeKind.Delivered, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.Command($"cat > {home}/cmd.out", user, TargetSource.ForwardFile)))).Kind);
            Assert.Contains("Hello.", await File.ReadAllTextAsync(home + "/cmd.out"), StringComparison.Ordinal);
            Assert.Equal(OutcomeKind.Deferred, (await rig.DeliverAsync(Message, rig.Recipient(new DeliveryTarget.Command("touch owned", user, TargetSource.ForwardFile)))).Kind);
            File.SetUnixFileMode(forward, (UnixFileMode)0b110_110_110);
            files = new LocalForwardFiles(rig.Connections, TimeProvider.System);
            Assert.IsType<ForwardFile.Unsafe>(await files.ReadAsync(user, "", default));
            File.SetUnixFileMode(forward, UnixFileMode.None);
            files = new LocalForwardFiles(rig.Connections, TimeProvider.System);
            Assert.IsType<ForwardFile.Unavailable>(await files.ReadAsync(user, "", default));
            Assert.IsType<ForwardFile.None>(await files.ReadAsync("nobody-such", "", default));
            Assert.IsType<ForwardFile.None>(await files.ReadAsync("root", "", default));
        }
        finally
        {
            // Its helper is idle and would hold the account.
            await rig.Connections.DisposeAsync();
            await Wait.UntilAsync(async () => (await Command.RunAsync("/usr/bin/pgrep", ["-u", user])).ExitCode != 0, "the helper left");
            Assert.Equal(0, (await Command.RunAsync("/usr/sbin/userdel", [user])).ExitCode);
        }
    }

    private static async Task<string> TalkAsync(LocalDeliveryRig rig, string text)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(rig.SocketPath));
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text));
        using var limit = new CancellationTokenSource(Wait.Usual);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(limit.Token);
    }
}
