using System.Text.RegularExpressions;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Dialects;

/// <summary>What Debian's readers of a Postfix log make of one: fail2ban's filter in each mode, pflogsumm's totals, logwatch's report.</summary>
internal static class LogReaders
{
    /// <summary>The lines that each mode of fail2ban's filter counts, and whom.</summary>
    public static async Task<IReadOnlyList<string>> Fail2BanAsync(string log)
    {
        var found = new List<string>();
        foreach (string mode in (string[])["normal", "auth", "rbl", "ddos", "extra", "aggressive"])
        {
            CommandResult result = await Command.ShellAsync($"fail2ban-regex --print-all-matched '{log}' '/etc/fail2ban/filter.d/postfix.conf[mode={mode}]'");
            Assert.True(result.ExitCode == 0, result.ToString());
            found.Add($"{mode}: {Regex.Match(result.Output, @"Lines: \d+ lines, \d+ ignored, (\d+) matched").Groups[1].Value} matched");
            // The clients' addresses in the order of the log: nobody else is banned.
            found.AddRange(Regex.Matches(result.Output, @"(?m)^\|  \w{3} .* from \S*\[([0-9.]+)\]").Select(m => $"{mode}: {m.Groups[1].Value}"));
        }
        return found;
    }

    /// <summary>The grand totals that do not hang on the length of our ids and names.</summary>
    public static async Task<IReadOnlyList<string>> TotalsAsync(string log)
    {
        CommandResult result = await Command.RunAsync("/usr/sbin/pflogsumm", [log]);
        Assert.True(result.ExitCode == 0, result.ToString());
        string totals = result.Output[result.Output.IndexOf("Grand Totals", StringComparison.Ordinal)..];
        return [.. totals.Split('\n').Select(l => l.Trim()).Where(l => Regex.IsMatch(l, @"^\d+ +(received|delivered|forwarded|deferred|bounced|rejected|reject warnings|held|discarded|senders|sending|recipients|recipient hosts)"))];
    }

    /// <summary>The lines of logwatch's summary, and what it did not understand.</summary>
    public static async Task<(IReadOnlyList<string> Summary, IReadOnlyList<string> Unmatched)> LogwatchAsync(string log)
    {
        CommandResult result = await Command.RunAsync("/usr/bin/perl", ["-I/usr/share/logwatch/lib", "/usr/share/logwatch/scripts/services/postfix", "--detail", "10", log]);
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] parts = result.Output.Split("**Unmatched Entries**");
        string summary = parts[0].Split("****** Detail")[0];
        // Times two lines a row: the number as such and in groups; octets hang on our ids and names.
        string[] lines = [.. summary.Split('\n').Select(l => Regex.Replace(l.Trim(), " {2,}", " ")).Where(l => l.Length > 0 && char.IsAsciiDigit(l[0]) && !l.Contains("Bytes", StringComparison.Ordinal))];
        return (lines, parts.Length < 2 ? [] : [.. parts[1].Split('\n').Where(l => l.Trim().Length > 0).Select(l => Regex.Replace(l, @"^.*postfix\S*/", ""))]);
    }
}
