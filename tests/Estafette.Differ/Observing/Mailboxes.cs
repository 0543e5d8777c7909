using System.Text;

namespace Estafette.Differ.Observing;

/// <summary>Every file that a scenario made or changed below the places where mail is kept, read as Maildir, mbox or plain file.</summary>
internal sealed class Mailboxes
{
    private static readonly string[] s_roots = ["/home", "/var/mail", "/var/vmail", "/var/written"];
    private readonly string[] _roots;
    private readonly Dictionary<string, (long, DateTime)> _before;

    public Mailboxes(IEnumerable<string> more)
    {
        _roots = [.. s_roots, .. more];
        _before = Files().ToDictionary(f => f.FullName, f => (f.Length, f.LastWriteTimeUtc));
    }

    /// <summary>Changes whenever something was delivered.</summary>
    public (int Count, long Octets) State()
    {
        FileInfo[] files = [.. Changed()];
        return (files.Length, files.Sum(f => f.Exists ? f.Length : 0));
    }

    public void Describe(Observation observation)
    {
        var boxes = new SortedDictionary<string, (string Form, List<string> Messages)>(StringComparer.Ordinal);
        foreach (FileInfo file in Changed())
        {
            byte[] octets = File.ReadAllBytes(file.FullName);
            DirectoryInfo folder = file.Directory!;
            string form;
            string name = file.FullName;
            IEnumerable<string> messages;
            if (folder.Name is "new" or "cur" && Directory.Exists(Path.Combine(folder.Parent!.FullName, "tmp")))
                (name, form, messages) = (folder.Parent.FullName, "maildir", [string.Join('\n', MessageText.Describe(octets))]);
            else if (octets.AsSpan().StartsWith("From "u8))
                (form, messages) = ("mbox", Mbox(Encoding.Latin1.GetString(octets)));
            else if (folder.FullName == "/var/written" && file.Extension.Length == 7)
                (name, form, messages) = (Path.ChangeExtension(file.FullName, null), "command", [Kept(octets)]);
            else
                (form, messages) = ("file", [string.Join('\n', Encoding.UTF8.GetString(octets).TrimEnd('\n').Split('\n').Select(MessageText.Placeholders))]);
            string owner = form == "maildir" ? Owner(folder.Parent!.FullName) : Owner(file.FullName);
            if (!boxes.TryGetValue(name, out (string Form, List<string> Messages) box))
                boxes[name] = box = ($"{form} of {owner} {Convert.ToString((int)File.GetUnixFileMode(file.FullName), 8)}", []);
            box.Messages.AddRange(messages);
        }
        foreach ((string name, (string form, List<string> messages)) in boxes)
        {
            // The order in which messages arrive is nobody's promise.
            messages.Sort((a, b) => string.CompareOrdinal(MessageText.WithoutWords(a), MessageText.WithoutWords(b)));
            List<string> lines = observation.Section("mail " + name);
            lines.Add(form);
            foreach (string message in messages)
                lines.AddRange(["message", .. message.Split('\n').Select(l => l.StartsWith('~') ? "~  " + l[1..] : "  " + l)]);
        }
    }

    private IEnumerable<FileInfo> Changed() =>
        Files().Where(f => !(f.Name.EndsWith(".lock", StringComparison.Ordinal) || f.Name.EndsWith(".db", StringComparison.Ordinal) || f.Name.StartsWith("dovecot", StringComparison.Ordinal) || f.Name == "maildirfolder" || f.Directory!.Name == "tmp" || (f.Length == 0 && f.DirectoryName == "/var/mail"))
            && !(_before.TryGetValue(f.FullName, out (long, DateTime) before) && before == (f.Length, f.LastWriteTimeUtc)));

    private FileInfo[] Files() =>
        [.. _roots.Where(Directory.Exists).SelectMany(r => new DirectoryInfo(r).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }))];

    private static IEnumerable<string> Mbox(string text)
    {
        string[] lines = text.Split('\n');
        int start = 0;
        for (int i = 1; i <= lines.Length; i++)
        {
            if (i < lines.Length && !(lines[i].StartsWith("From ", StringComparison.Ordinal) && lines[i - 1].Length == 0))
                continue;
            string message = string.Join('\n', lines[(start + 1)..i]);
            // "From SENDER  DATE": two blanks before the date.
            yield return string.Join('\n', [lines[start].Split("  ")[0], .. MessageText.Describe(Encoding.Latin1.GetBytes(message))]);
            start = i;
        }
    }

    /// <summary>What `keep` wrote: how it was called, then the message it was given, perhaps behind a From_ line.</summary>
    private static string Kept(byte[] octets)
    {
        string text = Encoding.Latin1.GetString(octets);
        int input = text.IndexOf("input:\n", StringComparison.Ordinal);
        if (input < 0)
            return text;
        string message = text[(input + 7)..];
        string from = "";
        if (message.StartsWith("From ", StringComparison.Ordinal) && message.Contains('\n', StringComparison.Ordinal))
        {
            from = message[..message.IndexOf('\n', StringComparison.Ordinal)].Split("  ")[0] + "\n";
            message = message[(message.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        }
        return text[..input] + from + string.Join('\n', MessageText.Describe(Encoding.Latin1.GetBytes(message)));
    }

    private static string Owner(string path)
    {
        // .NET does not tell whose a file is.
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/usr/bin/stat", ["-c", "%U", path]) { RedirectStandardOutput = true })!;
        return stat.StandardOutput.ReadToEnd().Trim();
    }
}
