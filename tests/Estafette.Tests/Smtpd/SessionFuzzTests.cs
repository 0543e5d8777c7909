using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Config.Model;
using global::Estafette.Events;

namespace Estafette.Tests.Smtpd;

/// <summary>Sessions fed with nonsense, in pieces: none may fail, hang or keep a message open; and what is accepted never depends on the pieces.</summary>
public sealed class SessionFuzzTests
{
    private static readonly string[] s_words =
    [
        "EHLO a.test\r\n", "HELO b\r\n", "MAIL FROM:<a@b.test>\r\n", "MAIL FROM:<> SMTPUTF8\r\n", "RCPT TO:<alice@mx.test>\r\n", "RCPT TO:<bob@mx.test>\r\n", "RCPT TO:<x@y>\r\n",
        "DATA\r\n", ".\r\n", "text\r\n", "Subject: s\r\n", "\r\n", "BDAT 4\r\nab\r\n", "BDAT 4 LAST\r\nab\r\n", "BDAT 2 LAST\r\n", "BDAT 0 LAST\r\n", "BDAT x\r\n", "RSET\r\n", "NOOP\r\n", "STARTTLS\r\n",
        "AUTH PLAIN\r\n", "AUTH LOGIN =\r\n", "VRFY a\r\n", "\n", "\r", "\0", "MAIL FROM:<\xff>\r\n", "xxxx\r\n",
    ];

    private static Gen<string> Scripts => Gen.Elements(s_words).ListOf().Select(string.Concat);

    [Fact]
    public async Task E48_nonsense_never_breaks_or_hangs_a_session()
    {
        var limits = new LimitsConfig { Errors = 40, JunkCommands = 40, CommandTimeout = TimeSpan.FromSeconds(5), DataTimeout = TimeSpan.FromSeconds(5) };
        await using ReceptionHost host = await ReceptionHost.StartAsync(new ReceptionSettings { Limits = limits, Dialect = Dialect.Postfix });
        foreach (string script in Scripts.Sample(25, 150))
        {
            string whole = await PlayAsync(host, script, script.Length + 1);
            string pieces = await PlayAsync(host, script, 3);
            Assert.Equal(whole, pieces);
        }
        Assert.Empty(host.Published.OfType<OperatorWarning>());
        Assert.Equal(0, host.Intake.Open);
    }

    /// <summary>The codes of all replies after the script and a closed sending side.</summary>
    private static async Task<string> PlayAsync(ReceptionHost host, string script, int size)
    {
        await using SmtpPeer peer = await host.ConnectAsync();
        byte[] octets = Encoding.Latin1.GetBytes(script);
        var codes = new StringBuilder();
        Task reading = Task.Run(async () =>
        {
            for (string line = await peer.ReplyAsync(); line != "closed"; line = await peer.ReplyAsync())
                codes.Append(line.AsSpan(0, Math.Min(3, line.Length))).Append(' ');
        });
        try
        {
            for (int i = 0; i < octets.Length; i += size)
                await peer.SendAsync(octets[i..Math.Min(octets.Length, i + size)]);
            peer.EndSending();
        }
        catch (IOException)
        {
            // Hung up on: what was said before counts.
        }
        await reading.WaitAsync(TimeSpan.FromSeconds(60));
        return codes.ToString();
    }
}
