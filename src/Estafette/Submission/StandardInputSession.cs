using System.Net.Sockets;
using Estafette.Program.Commands;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>sendmail -bs: joins standard input and output to the daemon's submission socket, octet by octet.</summary>
internal static class StandardInputSession
{
    /// <param name="mendsLineEnds">A lone LF counts as the end of a line, as programs of this machine write it; the socket takes CRLF alone (E1).</param>
    public static async Task<int> RunAsync(StateFolder state, bool mendsLineEnds, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(state.SubmissionSocket), cancellationToken);
            await using var stream = new NetworkStream(socket);
            await using Stream input = Console.OpenStandardInput();
            await using Stream output = Console.OpenStandardOutput();
            Task sending = SendAsync(input, stream, socket, mendsLineEnds, cancellationToken);
            await stream.CopyToAsync(output, cancellationToken);
            // The daemon has closed; whatever still comes on standard input has nobody to read it.
            return sending.IsFaulted ? ExitCode.IoError : ExitCode.Ok;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            Console.Error.WriteLine($"sendmail: the daemon does not answer at {state.SubmissionSocket}: {e.Message}");
            return ExitCode.TempFail;
        }
    }

    private static async Task SendAsync(Stream input, NetworkStream stream, Socket socket, bool mendsLineEnds, CancellationToken cancellationToken)
    {
        if (mendsLineEnds)
            await MendAsync(input, stream, cancellationToken);
        else
            await input.CopyToAsync(stream, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task MendAsync(Stream input, NetworkStream output, CancellationToken cancellationToken)
    {
        byte[] read = new byte[16 << 10];
        byte[] written = new byte[2 * read.Length];
        byte last = 0;
        while (await input.ReadAsync(read, cancellationToken) is > 0 and int count)
        {
            int length = 0;
            foreach (byte octet in read.AsSpan(0, count))
            {
                if (octet == '\n' && last != '\r')
                    written[length++] = (byte)'\r';
                written[length++] = last = octet;
            }
            await output.WriteAsync(written.AsMemory(0, length), cancellationToken);
        }
    }
}
