using System.Net.Sockets;
using System.Text;
using Estafette.Mail;
using Estafette.Program.Compile;

namespace Estafette.Program.Daemon;

/// <summary>
/// Waits for changes of the files that the configuration names. A daemon that gave root up is told by the privileged process, which sees them all; one that was started by
/// an ordinary user looks itself, at the same pace. Never ends by itself: where the privileged process is gone it asks again.
/// </summary>
/// <param name="changed">Reads them again; false when that did not work at all, and is to be tried again.</param>
internal sealed class FileWatcher(Func<CancellationToken, Task<bool>> changed)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMinutes(1);

    private volatile FileWatch _watch = new([]);

    /// <summary>What to look at from now on.</summary>
    public void Watch(System.Collections.Immutable.ImmutableArray<WatchedPath> files) => _watch = new FileWatch(files);

    public async Task LookAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(_watch.Pause, cancellationToken);
            if (_watch.Look(NamedFiles.StampOf))
                await changed(cancellationToken);
        }
    }

    public async Task ListenAsync(string socketPath, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await ListenOnceAsync(socketPath, cancellationToken);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Told by who watches the privileged process.
            }
            await Task.Delay(FileWatch.Interval, cancellationToken);
        }
    }

    private async Task ListenOnceAsync(string socketPath, CancellationToken cancellationToken)
    {
        await using Stream stream = await CompileSession.ConnectAsync(socketPath, cancellationToken);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(CompileProtocol.Watch + "\r\n"), cancellationToken);
        while (await CompileSession.LineAsync(stream, cancellationToken) is { Length: > 0 } line)
        {
            if (line != CompileProtocol.Changed || await changed(cancellationToken))
                continue;
            // It is told once: a new connection is told again.
            await Task.Delay(s_retry, cancellationToken);
            return;
        }
    }
}
