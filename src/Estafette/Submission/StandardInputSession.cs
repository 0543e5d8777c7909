using System.Net.Sockets;
using Estafette.Program.Commands;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>sendmail -bs: joins standard input and output to the daemon's submission socket, octet by octet.</summary>
internal static class StandardInputSession
{
    public static async Task<int> RunAsync(StateFolder state, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(state.SubmissionSocket), cancellationToken);
            await using var stream = new NetworkStream(socket);
            await using Stream input = Console.OpenStandardInput();
            await using Stream output = Console.OpenStandardOutput();
            Task sending = SendAsync(input, stream, socket, cancellationToken);
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

    private static async Task SendAsync(Stream input, NetworkStream stream, Socket socket, CancellationToken cancellationToken)
    {
        await input.CopyToAsync(stream, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
    }
}
