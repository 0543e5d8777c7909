using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Attacks;

/// <summary>A daemon under attack: everything for mx.test goes to one sink, nothing else is taken. After each attack an ordinary message must still pass.</summary>
internal sealed class Target : IAsyncDisposable
{
    private Target(TemporaryFolder folder, SmtpSink sink, Daemon daemon) => (Folder, Sink, Daemon) = (folder, sink, daemon);

    public TemporaryFolder Folder { get; }
    public SmtpSink Sink { get; }
    public Daemon Daemon { get; }
    public int Port => Daemon.Port;

    /// <param name="listen">Options of the listener.</param>
    /// <param name="more">More statements, such as limits.</param>
    public static async Task<Target> StartAsync(string more = "", string listen = "", Action<TemporaryFolder>? prepare = null)
    {
        var folder = new TemporaryFolder();
        prepare?.Invoke(folder);
        var sink = new SmtpSink(folder["sink"]);
        Daemon daemon = await Daemon.StartAsync($$"""
            smtp announce all
            {{more}}
            listen on 127.0.0.1 port @PORT@ hostname mx.test {{listen}}
            action "in" relay host smtp://127.0.0.1:{{sink.Port}}
            match from any for domain mx.test action "in"
            """, folder);
        return new Target(folder, sink, daemon);
    }

    /// <summary>Promise 6: whatever came before, the next message passes, in the same process.</summary>
    public async Task AssertServesAsync(string who = "after")
    {
        Assert.False(Daemon.Running!.Process.HasExited, Daemon.Log);
        string mark = Guid.NewGuid().ToString("N");
        await using SmtpClient client = await SmtpClient.ConnectAsync(Daemon.Port);
        string reply = await client.SendAsync(who + "@client.test", "good@mx.test", $"Subject: {mark}\n\nall is well\n");
        Assert.True(reply.StartsWith("250", StringComparison.Ordinal), reply);
        await Wait.UntilAsync(() => Sink.Messages.Any(m => m.Contains(mark, StringComparison.Ordinal)), "the next message passes\n" + Daemon.Log);
        Assert.DoesNotContain("ended by a fault", Daemon.Log, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        await Sink.DisposeAsync();
    }
}
