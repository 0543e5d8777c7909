using System.Globalization;
using System.Text.RegularExpressions;
using global::Estafette.Config.Model;

namespace Estafette.Tests.Smtpd;

/// <summary>
/// Plays the files of <c>dialogs/</c> against a real server. One file, one behaviour: <c>&gt;</c> the client says, <c>&lt;</c> the server says (<c>*</c> stands for anything),
/// <c>&gt;&gt;</c> raw octets with escapes, <c>closed</c> the server hangs up, <c>stored N</c>, <c>stored has TEXT</c>, <c>stored lacks TEXT</c>; <c>@</c> lines set the server up.
/// </summary>
public sealed class DialogTests
{
    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Smtpd", "dialogs"), "*.smtp").Order(StringComparer.Ordinal))
            files.Add(Path.GetFileNameWithoutExtension(file));
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Dialog(string name)
    {
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "Smtpd", "dialogs", name + ".smtp"));
        await using ReceptionHost host = await ReceptionHost.StartAsync(Settings(lines));
        SmtpPeer peer = lines.Contains("@ local") ? await host.ConnectLocalAsync() : await host.ConnectAsync();
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            string where = string.Create(CultureInfo.InvariantCulture, $"{name}.smtp:{i + 1}");
            if (line.StartsWith(">> ", StringComparison.Ordinal))
                await peer.SendAsync(Regex.Unescape(line[3..]));
            else if (line.StartsWith("> ", StringComparison.Ordinal) || line == ">")
                await peer.SendAsync((line.Length > 2 ? line[2..] : "") + "\r\n");
            else if (line.StartsWith("< ", StringComparison.Ordinal))
                AssertLike(line[2..], await peer.LineAsync(), where);
            else if (line == "closed")
                AssertLike("closed", await peer.LineAsync(), where);
            else if (line == "again")
                peer = await host.ConnectAsync();
            else if (line.StartsWith("stored has ", StringComparison.Ordinal))
                Assert.Contains(Regex.Unescape(line[11..]), host.Intake.Messages.Last().Text, StringComparison.Ordinal);
            else if (line.StartsWith("stored lacks ", StringComparison.Ordinal))
                Assert.DoesNotContain(Regex.Unescape(line[13..]), host.Intake.Messages.Last().Text, StringComparison.Ordinal);
            else if (line.StartsWith("stored ", StringComparison.Ordinal))
                Assert.Equal(int.Parse(line[7..], CultureInfo.InvariantCulture), host.Intake.Messages.Count);
            else
                Assert.True(line.Length == 0 || line[0] is '#' or '@', $"{where}: what is \"{line}\"?");
        }
        await peer.DisposeAsync();
    }

    private static void AssertLike(string pattern, string actual, string where)
    {
        string regex = "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$";
        Assert.True(Regex.IsMatch(actual, regex), $"{where}\nexpected: {pattern}\nactual:   {actual}");
    }

    private static ReceptionSettings Settings(string[] lines)
    {
        var settings = new ReceptionSettings();
        LimitsConfig limits = settings.Limits;
        foreach (string[] words in lines.Where(l => l.StartsWith("@ ", StringComparison.Ordinal)).Select(l => l[2..].Split(' ')))
        {
            int number = words.Length > 1 && int.TryParse(words[1], CultureInfo.InvariantCulture, out int n) ? n : 0;
            switch (words[0])
            {
                case "local": break;
                case "dialect": settings = settings with { Dialect = Enum.Parse<Dialect>(words[1]) }; break;
                case "errors": limits = limits with { Errors = number }; break;
                case "junk": limits = limits with { JunkCommands = number }; break;
                case "recipients": limits = limits with { Recipients = number }; break;
                case "message-size": limits = limits with { MessageSize = number }; break;
                case "command-line": limits = limits with { CommandLine = number }; break;
                case "text-line": limits = limits with { TextLine = number }; break;
                case "hops": limits = limits with { Hops = number }; break;
                case "header-fields": limits = limits with { HeaderFields = number }; break;
                case "header-size": limits = limits with { HeaderSize = number }; break;
                case "messages": limits = limits with { MessagesPerSession = number }; break;
                case "mask-src": settings = settings with { Listener = l => l with { MaskSource = true } }; break;
                case "no-dsn": settings = settings with { Listener = l => l with { NoDsn = true } }; break;
                case "public": settings = settings with { Listener = l => l with { HostName = "mx.test" } }; break;
                default: throw new InvalidDataException(words[0]);
            }
        }
        return settings with { Limits = limits };
    }
}
