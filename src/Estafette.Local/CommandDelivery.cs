using System.Text;
using Estafette.Local.Mailboxes;
using Estafette.Mail;

namespace Estafette.Local;

/// <summary>
/// Feeds one message to a command as this user: for a shell the text that the configuration, an alias file or the user wrote; values from mail stand in the
/// environment, or in words of their own where there is no shell, or came through the allow-list of <see cref="FormatExpansion"/> (E11). The exit status is of sysexits.h, the first line of output explains it. At the time limit the
/// whole process group is killed and the message deferred.
/// </summary>
internal sealed unsafe class CommandDelivery : Delivery
{
    /// <summary>Octets of output that are kept; the rest is read and dropped, so that the command does not hang on it.</summary>
    private const int MaximumOutput = 4096;

    private readonly LocalCommand _command;
    private readonly long _deadline;
    private readonly byte[] _output = new byte[MaximumOutput];
    private readonly int _pid;
    private readonly int _pidHandle = -1;
    private int _input = -1;
    private int _outputEnd = -1;
    private int _outputLength;
    private bool _late;
    private readonly LocalReply? _failure;

    public CommandDelivery(LocalCommand command)
    {
        _command = command;
        _deadline = Environment.TickCount64 + command.LimitMilliseconds;
        int* input = stackalloc int[2], output = stackalloc int[2];
        if (Native.pipe2(input, Native.O_CLOEXEC) != 0)
        {
            _failure = LocalReply.Defer(3, 0, "cannot make a pipe");
            return;
        }
        if (Native.pipe2(output, Native.O_CLOEXEC) != 0)
        {
            Native.close(input[0]);
            Native.close(input[1]);
            _failure = LocalReply.Defer(3, 0, "cannot make a pipe");
            return;
        }
        _input = input[1];
        _outputEnd = output[0];
        _pid = Start(input[0], output[1]);
        Native.close(input[0]);
        Native.close(output[1]);
        Native.fcntlNumber(_input, Native.F_SETFL, Native.O_NONBLOCK);
        Native.fcntlNumber(_outputEnd, Native.F_SETFL, Native.O_NONBLOCK);
        if (_pid < 0)
            _failure = command.IsPostfix ? CommandStatus.Answer(75 << 8, $"cannot execute {command.Path}: {Native.ErrorText(-_pid)}", command.Text) : LocalReply.Defer(3, 0, $"cannot start a command: {Native.ErrorText(-_pid)}");
        else
            _pidHandle = Native.pidfd_open(_pid, 0);
    }

    public override void Write(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && _input >= 0 && _failure is null)
        {
            nint written;
            fixed (byte* start = text)
                written = Native.write(_input, start, (nuint)text.Length);
            if (written > 0)
                text = text[(int)written..];
            else if (Native.Errno == Native.EAGAIN)
                Await(forInput: true);
            else if (Native.Errno != Native.EINTR)
                CloseInput();
        }
    }

    public override LocalReply? End(bool atLineStart)
    {
        CloseInput();
        if (_failure is not null)
        {
            Close();
            return _failure;
        }
        int status;
        while (Native.waitpid(_pid, &status, Native.WNOHANG) == 0 && !_late)
            Await(forInput: false);
        if (_late)
        {
            Abort();
            return _command.IsPostfix ? CommandStatus.TooLate(Output(), _command.Text) : LocalReply.Defer(3, 0, "the command did not end within its time limit and was killed");
        }
        Drain();
        Close();
        return _command.IsPostfix ? CommandStatus.Answer(status, Output(), _command.Text) : Answer(status, FirstLine());
    }

    public override void Abort()
    {
        CloseInput();
        if (_pid > 0)
        {
            Native.kill(-_pid, Native.SIGKILL);
            int status;
            while (Native.waitpid(_pid, &status, 0) < 0 && Native.Errno == Native.EINTR)
                continue;
        }
        Close();
    }

    /// <summary>Also used to tell what a status means in tests.</summary>
    internal static LocalReply Answer(int status, string output)
    {
        int signal = status & 0x7f;
        if (signal != 0)
            return LocalReply.Defer(3, 0, Join($"command was killed by signal {signal}", output));
        int code = (status >> 8) & 0xff;
        string words = output.Length > 0 ? output : ExitStatus.Phrase(code);
        EnhancedStatus meaning = ExitStatus.Meaning(code);
        return code == 0 ? LocalReply.Delivered : new LocalReply(meaning.Class == 4 ? 450 : 550, meaning, words);
    }

    /// <summary>The process, which has one folder while it is started and another one otherwise.</summary>
    private int Start(int input, int output)
    {
        if (_command.Folder.Length > 0 && Native.chdir(_command.Folder) != 0)
            return -Native.Errno;
        int pid = Spawn.Start(_command.Path, _command.Arguments, _command.Environment, [input, output, output]);
        if (_command.Folder.Length > 0)
            Native.chdir("/");
        return pid;
    }

    private static string Join(string text, string output) => output.Length == 0 ? text : text + ": " + output;

    /// <summary>Waits until there is something to do, or the command is at its end, or the time is over.</summary>
    private void Await(bool forInput)
    {
        long left = _deadline - Environment.TickCount64;
        if (left <= 0)
        {
            _late = true;
            CloseInput();
            return;
        }
        Native.PollFd* entries = stackalloc Native.PollFd[3];
        entries[0] = new() { Fd = forInput ? _input : -1, Events = Native.POLLOUT };
        entries[1] = new() { Fd = _outputEnd, Events = Native.POLLIN };
        entries[2] = new() { Fd = forInput ? -1 : _pidHandle, Events = Native.POLLIN };
        // Without a process handle (an old kernel) the end of the command is noticed by asking.
        Native.poll(entries, 3, (int)Math.Min(left, _pidHandle >= 0 ? 60_000 : 50));
        if (entries[1].Revents != 0)
            Drain();
    }

    private void Drain()
    {
        byte* rest = stackalloc byte[1024];
        while (_outputEnd >= 0)
        {
            nint count;
            if (_outputLength < MaximumOutput)
            {
                fixed (byte* start = &_output[_outputLength])
                    count = Native.read(_outputEnd, start, (nuint)(MaximumOutput - _outputLength));
            }
            else
                count = Native.read(_outputEnd, rest, 1024);
            if (count < 0)
                return;
            if (count == 0)
            {
                Native.close(_outputEnd);
                _outputEnd = -1;
                return;
            }
            _outputLength = Math.Min(MaximumOutput, _outputLength + (int)count);
            if (Environment.TickCount64 > _deadline)
                return;
        }
    }

    private string FirstLine()
    {
        foreach (string line in Encoding.UTF8.GetString(_output, 0, _outputLength).Split('\n'))
        {
            if (!string.IsNullOrWhiteSpace(line))
                return line.Trim();
        }
        return "";
    }

    /// <summary>All that it wrote, in one line.</summary>
    private string Output() => string.Concat(Encoding.UTF8.GetString(_output, 0, _outputLength).Select(c => char.IsControl(c) ? ' ' : c)).Trim();

    private void CloseInput()
    {
        if (_input >= 0)
            Native.close(_input);
        _input = -1;
    }

    private void Close()
    {
        CloseInput();
        if (_outputEnd >= 0)
            Native.close(_outputEnd);
        if (_pidHandle >= 0)
            Native.close(_pidHandle);
        _outputEnd = -1;
    }
}
