using System.Text;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// The helper for logins: it keeps root, which PAM needs to read shadow passwords, and does nothing but ask PAM with one service that the compiled actions name. Login and
/// password come over its connection, one question a line, and are cleared after it. It stays for the next question and leaves when it is idle or the daemon hangs up. Root
/// never logs in.
/// </summary>
internal static unsafe class LoginHelper
{
    private const int Usage = 64;
    private const int IdleMilliseconds = 30_000;

    /// <summary>Questions of one process; PAM modules are known to leak.</summary>
    private const int MaximumQuestions = 1000;

    private const int PR_SET_DUMPABLE = 4;
    private const int StandardInput = 0, StandardOutput = 1;

    public static int Run(string[] args)
    {
        if (args.Length != 2 || !LocalActions.IsLoginService(args[1]))
            return Usage;
        // No core file and no debugger: passwords pass through here.
        Native.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        Native.umask(0x3f /* 0077 */);
        Native.chdir("/");
        if (!Send(new LocalReply(220, new(2, 0, 0), "login")))
            return 0;
        // Where the collector cannot leave copies of it behind.
        byte[] line = GC.AllocateUninitializedArray<byte>(LocalProtocol.MaximumLine, pinned: true);
        for (int questions = 0; questions < MaximumQuestions; questions++)
        {
            int length = ReadLine(line);
            if (length < 0)
                break;
            LocalReply? reply = LoginQuestion.TryParse(line.AsSpan(0, length), out LoginQuestion? question) ? Answer(args[1], question) : null;
            Array.Clear(line);
            if (reply is null || !Send(reply))
                break;
        }
        return 0;
    }

    private static LocalReply Answer(string service, LoginQuestion question)
    {
        try
        {
            LocalUser? user = null;
            if (UserDatabase.IsPlausible(question.Login) && !UserDatabase.TryFind(question.Login, out user))
                return LoginQuestion.Unavailable("the user database cannot be read");
            // A login that does not exist is asked about too: what PAM does for it takes time, and is logged.
            if (!UserDatabase.IsPlausible(question.Login))
                return LoginQuestion.Wrong;
            (PamVerdict verdict, string reason) = Pam.Check(service, question.Login, question.Password, question.RemoteHost);
            return verdict switch
            {
                PamVerdict.Right when user is { Uid: > 0 } => LoginQuestion.Right,
                PamVerdict.Unavailable => LoginQuestion.Unavailable(reason),
                // Without root pam_unix cannot look at other users' passwords, and calls that a wrong one.
                PamVerdict.Wrong when Native.geteuid() is var own and not 0 && user?.Uid != own =>
                    LoginQuestion.Unavailable("the server runs without root, and PAM refuses to check others than the user that started it"),
                _ => LoginQuestion.Wrong,
            };
        }
        finally
        {
            Array.Clear(question.Password);
        }
    }

    /// <summary>The length without the line end, or -1 when there is none. One question at a time: what follows the line is a breach, and dropped with the connection.</summary>
    private static int ReadLine(byte[] line)
    {
        int length = 0;
        while (length < line.Length)
        {
            var entry = new Native.PollFd { Fd = StandardInput, Events = Native.POLLIN };
            int ready = Native.poll(&entry, 1, IdleMilliseconds);
            if (ready < 0 && Native.Errno == Native.EINTR)
                continue;
            if (ready <= 0)
                return -1;
            nint count;
            fixed (byte* start = &line[length])
                count = Native.read(StandardInput, start, (nuint)(line.Length - length));
            if (count < 0 && Native.Errno == Native.EINTR)
                continue;
            if (count <= 0)
                return -1;
            length += (int)count;
            int end = line.AsSpan(0, length).IndexOf((byte)'\n');
            if (end >= 0)
                return end == length - 1 ? line.AsSpan(0, end).TrimEnd((byte)'\r').Length : -1;
        }
        return -1;
    }

    private static bool Send(LocalReply reply) => Native.WriteAll(StandardOutput, Encoding.UTF8.GetBytes(reply.ToLine()));
}
