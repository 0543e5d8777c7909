using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using Estafette.Events;
using Estafette.Program.Daemon;

namespace Estafette.Tests.Program;

/// <summary>
/// The drop folder is writable by everybody: nothing that lies in it may stop the daemon, and no message is taken twice because somebody could not be told. The
/// server's side of the sessions speaks exact bytes.
/// </summary>
public sealed class DropFolderTests : IDisposable
{
    private const string Message = "estafette-drop 1\nmail <a@example.org>\nrcpt <good@example.org>\nrcpt <bad@example.org>\n\nSubject: x\r\n\r\ntext\r\n.\r\n";
    private readonly StateFolder _state = new(Directory.CreateTempSubdirectory("estafette-drop-").FullName);
    private readonly List<string> _told = [];
    private readonly EventSink _events;
    private int _taken;
    private int _notified;
    private string _answerToNotice = "451 later";

    public DropFolderTests()
    {
        Directory.CreateDirectory(_state.Drop);
        _events = new EventSink(TimeProvider.System, new Reader(_told));
    }

    public void Dispose() => Directory.Delete(_state.Root, recursive: true);

    private sealed class Reader(List<string> told) : IEventReader
    {
        public void On(MailEvent mailEvent)
        {
            lock (told)
                told.Add(mailEvent.ToString());
        }
    }

    private string Put(string name, string text)
    {
        string path = Path.Combine(_state.Drop, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>A server that refuses one recipient for good, takes messages, and answers to notifications as the test says.</summary>
    private async Task ServeAsync(uint user, IDuplexPipe pipe, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(pipe.Input.AsStream(), Encoding.UTF8);
        await using var writer = new StreamWriter(pipe.Output.AsStream(), new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\r\n" };
        await writer.WriteLineAsync("220 here");
        bool inData = false;
        bool notice = false;
        while (await reader.ReadLineAsync(cancellationToken) is string line)
        {
            if (inData && line != ".")
                continue;
            notice |= line == "MAIL FROM:<>";
            if (inData)
                _ = notice ? _notified++ : _taken++;
            string answer = inData ? notice ? _answerToNotice : "250 taken" : line == "DATA" ? "354 go" : line.Contains("bad@", StringComparison.Ordinal) ? "550 unknown" : "250 ok";
            inData = line == "DATA";
            await writer.WriteLineAsync(answer);
        }
    }

    private async Task RoundsAsync(Func<bool> until)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        Task running = new DropFolderReader(_state, ServeAsync, () => TimeSpan.FromDays(5), _events).RunAsync(stop.Token);
        while (!until() && !stop.IsCancellationRequested)
            await Task.Delay(20, CancellationToken.None);
        Assert.True(until(), string.Join('\n', _told));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_pipe_a_link_and_rubbish_are_set_aside_and_the_next_message_is_taken()
    {
        using (Process mkfifo = Process.Start("mkfifo", [Path.Combine(_state.Drop, "0.drop")]))
            await mkfifo.WaitForExitAsync();
        File.CreateSymbolicLink(Path.Combine(_state.Drop, "1.drop"), "/etc/passwd");
        Put("2.drop", "rubbish");
        Put("3.drop", Message[..^5]);
        string good = Put("4.drop", Message.Replace("rcpt <bad@example.org>\n", "", StringComparison.Ordinal));
        await RoundsAsync(() => !File.Exists(good) && Directory.GetFiles(_state.Drop, "*.drop").Length == 0);
        Assert.Equal(1, _taken);
        Assert.Equal(4, Directory.GetFiles(_state.Drop, "*.refused").Length);
    }

    [Fact]
    public async Task What_stands_behind_the_final_dot_is_not_waited_for()
    {
        string path = Put("1.drop", Message.Replace("rcpt <bad@example.org>\n", "", StringComparison.Ordinal) + string.Concat(Enumerable.Repeat("NOOP\r\n", 100_000)) + "\r\n.\r\n");
        await RoundsAsync(() => !File.Exists(path));
        Assert.Equal(1, _taken);
    }

    [Fact]
    public async Task A_message_whose_sender_cannot_be_told_now_is_not_taken_twice()
    {
        string path = Put("1.drop", Message);
        await RoundsAsync(() => _notified >= 2 || Told());
        Assert.Equal(1, _taken);
        Assert.False(File.Exists(path));

        // The second round's notification is taken.
        bool Told()
        {
            if (_notified == 1)
                _answerToNotice = "250 taken";
            return !File.Exists(path);
        }
    }
}
