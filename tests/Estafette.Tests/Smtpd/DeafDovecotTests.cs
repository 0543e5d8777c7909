using System.Net.Sockets;
using Estafette.Tests.Queue;
using global::Estafette.Smtpd.Auth;

namespace Estafette.Tests.Smtpd;

/// <summary>E44: an auth service that greets and then reads nothing costs logins, and nobody waits for it for ever.</summary>
public sealed class DeafDovecotTests
{
    [Fact]
    public async Task A_Dovecot_that_reads_nothing_is_given_up()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var clock = new ManualClock();
        ValueTask<DovecotConnection> opening = DovecotConnection.OpenAsync(path, clock, CancellationToken.None);
        using Socket deaf = await listener.AcceptAsync();
        await deaf.SendAsync("VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nDONE\n"u8.ToArray());
        using DovecotConnection connection = await opening;
        string line = new string('x', DovecotConnection.MaximumLine - 1) + "\n";
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        // More than any socket holds.
        for (int i = 0; i < 1000 && connection.Begin() is { } request; i++)
        {
            Task asked = i % 2 == 0 ? connection.TellAsync(line).AsTask() : AskAsync(connection, request, line);
            while (!asked.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(5, limit.Token);
            }
            connection.End();
        }
        Assert.Null(connection.Begin());
        File.Delete(path);
    }

    private static async Task AskAsync(DovecotConnection connection, uint request, string line)
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        try
        {
            await connection.AskAsync(request, line, soon.Token);
        }
        catch (OperationCanceledException)
        {
            // No answer, as was to be expected.
        }
    }
}
