using Estafette.Control;
using Estafette.Program.Commands;
using Spectre.Console;

namespace Estafette.Tests.Program;

/// <summary>The queue as a table for people.</summary>
public sealed class QueueListingTests
{
    [Fact]
    public void Ids_and_times_stay_whole_on_a_terminal_of_80_columns()
    {
        DateTimeOffset now = DateTimeOffset.UnixEpoch.AddDays(20000);
        QueueEntry entry = new QueueEntry
        {
            Id = "6B00FEC4651EE13B",
            EnvelopeId = "651ee13b7b60759f",
            Sender = "joe@example.org",
            Recipient = "x@gmail.example",
            Destination = "x@gmail.example",
            Transport = "mta",
            State = "pending",
            Family = "inet4",
            Attempts = 4,
            Created = now.AddHours(-2),
            NextAttempt = now.AddMinutes(12.5),
            Error = "[connection refused]",
        };
        var text = new StringWriter();
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        terminal.Profile.Width = 80;
        terminal.Write(QueueListing.ForPeople([entry], now));
        string[] lines = text.ToString().Split('\n');
        Assert.All(lines, line => Assert.True(line.TrimEnd().Length <= 80, line));
        string row = lines.Single(line => line.Contains("651ee13b7b60759f", StringComparison.Ordinal));
        Assert.Equal(["651ee13b7b60759f", "pending", "2h", "12m", "4"], row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..5]);
        Assert.Contains("refused]", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_envelope_is_one() => Assert.Equal(["0 envelopes", "1 envelope", "2 envelopes"], new[] { 0, 1, 2 }.Select(QueueListing.Count));
}
