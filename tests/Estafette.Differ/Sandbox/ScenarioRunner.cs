using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Estafette.Differ.Observing;

namespace Estafette.Differ.Sandbox;

/// <summary>Inside the sandbox: lays the files out, starts name server, sinks and the target, lets the steps happen, and writes down what came of it.</summary>
internal sealed partial class ScenarioRunner(Scenario scenario, string folder, bool estafette)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(40);
    private readonly Observation _observation = new();
    private readonly Target _target = new(estafette);
    private readonly Dictionary<string, Sink> _sinks = [];
    private Mailboxes _boxes = null!;

    public Observation Run()
    {
        Prepare();
        foreach (string command in scenario.All("pre"))
            Note(command, Shell.Run(command), showOutput: false);
        foreach (string command in scenario.All("peer"))
            Note(command, Shell.Run(command), showOutput: false);
        _boxes = new Mailboxes(scenario.All("look"));
        string? problem = null;
        // With nostart the steps start it, as people do.
        if (!scenario.All("nostart").Any())
        {
            problem = _target.Start([.. scenario.All("listen").DefaultIfEmpty("127.0.0.1:25")]);
            _observation.Section("start").AddRange(problem is null ? ["serves"] : ["does not serve", .. problem.Split('\n').Select(l => "~ " + l)]);
        }
        if (problem is null)
        {
            foreach (Step step in scenario.Steps)
            {
                // Told if the sandbox has to be ended.
                Console.Error.WriteLine($"line {step.Line}: {step.Verb} {step.Argument}");
                Play(step);
            }
            Console.Error.WriteLine("settling");
            Settle();
            _boxes.Describe(_observation);
            DescribeSinks();
            DescribeQueue();
        }
        _observation.Section(Observation.Log).AddRange(_target.Log.Split('\n'));
        return _observation;
    }

    private void Prepare()
    {
        string files = Path.Combine(folder, "fs");
        if (Directory.Exists(files))
            Shell.Run($"cp -R --no-preserve=ownership {files}/. / && chown -R vmail:vmail /var/vmail && for u in alice bob carol dave; do chown -R $u:$u /home/$u; done");
        foreach (string words in scenario.All("chown"))
            Shell.Run("chown " + words);
        foreach (string words in scenario.All("chmod"))
            Shell.Run("chmod " + words);
        _target.ListenToSyslog();
        new NameServer([.. scenario.All("dns"), scenario.Host + " A 192.0.2.1"]).Serve(IPAddress.Parse("127.0.0.53"));
        foreach (Sink sink in scenario.All("sink").Select(Sink.Parse))
        {
            _sinks[sink.Name] = sink;
            sink.Start();
        }
        foreach (string rule in scenario.All("rule"))
            AddRule(rule);
    }

    private void AddRule(string rule)
    {
        string[] words = rule.Split(' ', 4);
        _sinks[words[0]].Rule(words[1], words[2], words[3]);
    }

    private void Play(Step step)
    {
        switch (step.Verb)
        {
            case "smtp":
                Converse(step);
                break;
            case "run" or "say":
                string? user = step.Argument.StartsWith("as=", StringComparison.Ordinal) ? step.Argument[3..].Split(' ')[0] : null;
                string command = user is null ? step.Argument : step.Argument[(3 + user.Length)..].Trim();
                Note(step.Argument, Shell.Run(command, user, string.Concat(step.Lines.Select(l => (l.StartsWith("| ", StringComparison.Ordinal) ? l[2..] : l[1..]) + "\n"))), step.Verb == "say");
                break;
            case "settle":
                Settle();
                break;
            case "reload":
                _target.Reload();
                Thread.Sleep(700);
                break;
            case "await":
                _observation.Section(step.Verb + " " + step.Argument).Add(_target.Await([step.Argument]) is null ? "serves" : "does not serve");
                break;
            case "log":
                Settle();
                _observation.Section(step.Verb + " " + step.Argument).Add(Regex.IsMatch(_target.Log, step.Argument, RegexOptions.Multiline) ? "found" : "not found");
                break;
            case "queue":
                Settle();
                DescribeQueue();
                break;
            default:
                AddRule(step.Argument);
                break;
        }
    }

    private void Converse(Step step)
    {
        using SmtpSession session = SmtpSession.Run(step.Argument, step.Lines);
        List<string> lines = _observation.Section($"smtp {step.Argument} (line {step.Line})");
        foreach ((string command, IReadOnlyList<string> reply) in session.Replies)
        {
            Match code = Code().Match(reply[^1]);
            lines.Add($"{command} => {(code.Success ? code.Value.Trim() : reply[^1])}");
            bool words = reply.Count > 1 && command.StartsWith("EHLO", StringComparison.OrdinalIgnoreCase);
            if (words)
                lines.AddRange(reply.Skip(1).Select(l => "offers " + l[4..]).Order(StringComparer.Ordinal));
            else
                lines.AddRange(reply.Select(l => "~ " + MessageText.Placeholders(l)));
        }
    }

    private void Note(string command, (int Exit, string Output) result, bool showOutput)
    {
        List<string> lines = _observation.Section("run " + command);
        lines.Add($"exit {result.Exit}");
        if (result.Output.Length > 0)
            lines.AddRange(result.Output.TrimEnd('\n').Split('\n').Select(l => (showOutput ? "" : "~ ") + MessageText.Placeholders(l)));
    }

    /// <summary>Waits until nothing has moved for a while and nothing is under way.</summary>
    private void Settle()
    {
        var clock = Stopwatch.StartNew();
        var still = Stopwatch.StartNew();
        ((int, long), int, int) last = default;
        while (clock.Elapsed < s_longest)
        {
            ((int, long), int, int) now = (_boxes.State(), _sinks.Values.Sum(s => s.Transactions.Count), _target.Log.Length);
            if (now != last)
                still.Restart();
            else if (still.Elapsed > s_quiet && !_target.IsBusy())
                return;
            last = now;
            Thread.Sleep(60);
        }
    }

    private void DescribeSinks()
    {
        foreach (Sink sink in _sinks.Values)
        {
            List<string> lines = _observation.Section("sink " + sink.Name);
            IEnumerable<string> transactions = sink.Transactions.Select(t => string.Join('\n',
            [
                $"transaction {t.Hello}{(t.Tls ? " tls" : "")}{(t.Login is null ? "" : " as " + t.Login)} from <{t.From}>: {t.Result}",
                .. t.Taken.Order(StringComparer.Ordinal).Select(r => $"  taken <{r}>"),
                .. t.Refused.Order(StringComparer.Ordinal).Select(r => $"  refused <{r}>"),
                .. t.Message is null ? [] : MessageText.Describe(t.Message).Select(l => l.StartsWith('~') ? "~  " + l[1..] : "  " + l),
            ]));
            // How often a refused attempt is repeated is a matter of timing; in which order messages leave, too.
            lines.AddRange(transactions.Distinct().OrderBy(MessageText.WithoutWords, StringComparer.Ordinal).SelectMany(t => t.Split('\n')));
        }
    }

    private void DescribeQueue() =>
        _observation.Section("queue").AddRange(Target.Queue().OrderBy(e => e.ToString(), StringComparer.Ordinal).SelectMany(e => (string[])[$"{e.Name} {e.Sender} -> {e.Recipient}", $"~ {e.Reason}"]));

    [GeneratedRegex(@"^\d{3}(?:[ -][245]\.\d{1,3}\.\d{1,3}\b)?")]
    private static partial Regex Code();
}
