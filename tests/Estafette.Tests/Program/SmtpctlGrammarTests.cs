using global::Estafette.Program.Commands;

namespace Estafette.Tests.Program;

/// <summary>The words of smtpctl(8).</summary>
public sealed class SmtpctlGrammarTests
{
    [Theory]
    [InlineData("show queue", true)]
    [InlineData("show queue 0a1b2c3d", true)]
    [InlineData("show queue 00000000", false)]
    [InlineData("show", false)]
    [InlineData("", false)]
    [InlineData("show message zzz", false)]
    [InlineData("schedule all", true)]
    [InlineData("schedule 0a1b2c3d4e5f6071", true)]
    [InlineData("schedule example.org", true)]
    [InlineData("remove 0000000000000000", false)]
    [InlineData("pause everything", false)]
    [InlineData("pause envelope", false)]
    [InlineData("pause mta now", false)]
    [InlineData("stop", false)]
    public void Knows_what_is_a_command(string words, bool known) =>
        Assert.Equal(known, SmtpctlGrammar.Knows(words.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public void What_could_stand_there_is_listed()
    {
        Assert.Equal(["pause envelope", "pause mda", "pause mta", "pause smtp"], SmtpctlGrammar.Possibilities(["pause", "bogus"]));
        Assert.Contains("schedule", SmtpctlGrammar.Possibilities([]));
    }
}
