using System.Globalization;
using System.Text;
using Estafette.Control;
using Estafette.Mail;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// postcat(1): a waiting message as records of a Postfix queue file: envelope (-e), header (-h), body (-b), each with its type (-d) and place (-o) if wanted. Messages are named by
/// queue id, with -q or without: there is no file for each of them. Octets of the message come out as they are.
/// </summary>
internal static class PostcatCommand
{
    private const string Usage = "postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] [-h (header text)] [-q (access queue)] [-v] [file(s)...]";

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("postcat", ExitCode.Failure);
        var options = new OptionReader("bc:dehoqrs:v", args);
        var wanted = new RecordView();
        bool queue = false;
        while (options.Next() is { } option)
        {
            switch (option.Letter)
            {
                case 'b': wanted.Body = true; break;
                case 'e': wanted.Envelope = true; break;
                case 'h': wanted.Header = true; break;
                case 'd': wanted.Types = true; break;
                case 'o': wanted.Offsets = true; break;
                case 'q': queue = true; break;
                case 'c' when !await tool.UseFolderAsync(option.Value):
                    return tool.Failure;
            }
        }
        if (options.Problem is not null)
            return await tool.UsageAsync(options.Problem, Usage);
        if (!wanted.Body && !wanted.Envelope && !wanted.Header)
            wanted.Body = wanted.Envelope = wanted.Header = true;
        foreach (string named in options.Rest)
        {
            if (await ShowAsync(tool, named, queue, wanted) is int failed)
                return failed;
        }
        return ExitCode.Ok;
    }

    private static async Task<int?> ShowAsync(PostfixTool tool, string named, bool queue, RecordView wanted)
    {
        string id = queue ? named : Path.GetFileName(named);
        string what = queue ? "open queue file " + named : "open " + named;
        if (!MessageId.TryParse(id, out _))
            return await tool.FatalAsync(what + ": No such file or directory");
        await using StreamWriter output = PostfixTool.Output(Encoding.Latin1);
        wanted.Start(output);
        ControlEnd? end = await tool.AskAsync(new ControlRequest("show-records") { Arguments = [id] }, wanted.Add);
        await output.FlushAsync();
        return end switch
        {
            null => await tool.FatalAsync($"{what}: the mail system is down: its queue is read by the running server only (postfix start)"),
            { IsDenied: true } => await tool.FatalAsync(what + ": Permission denied"),
            { Error: string error } => await tool.FatalAsync($"{what}: {error}"),
            _ => null,
        };
    }
}

/// <summary>Which records are shown, and how each is written.</summary>
internal sealed class RecordView
{
    public bool Body { get; set; }
    public bool Envelope { get; set; }
    public bool Header { get; set; }
    public bool Types { get; set; }
    public bool Offsets { get; set; }

    private TextWriter _output = TextWriter.Null;
    private string _file = "";
    private long _offset;
    private Part _part;
    private bool _lineOpen;

    private enum Part { Envelope, Header, Body, Trailer }

    public void Start(TextWriter output)
    {
        _output = output;
        _offset = 0;
        _part = Part.Envelope;
    }

    public void Add(ControlRow row)
    {
        if (row.Text is string file)
        {
            _file = file;
            if (Envelope)
                _output.WriteLine($"*** ENVELOPE RECORDS {file} ***");
        }
        if (row.Record is not { } record)
            return;
        Show(record);
        _offset += 1 + LengthOctets(record.Text.Length) + record.Text.Length;
    }

    private void Show(MessageRecord record)
    {
        switch (record.Type)
        {
            case 'M':
                _part = Part.Header;
                Mark(record, "MESSAGE CONTENTS");
                return;
            case 'X':
                _part = Part.Trailer;
                Mark(record, "HEADER EXTRACTED");
                return;
            case 'E':
                Mark(record, "MESSAGE FILE END");
                return;
            case 'N' or 'L':
                Content(record);
                return;
            default:
                if (Envelope)
                    Line(record, Named(record));
                return;
        }
    }

    private void Mark(MessageRecord record, string words)
    {
        if (Envelope)
            Line(record, $"*** {words} {_file} ***");
    }

    private void Content(MessageRecord record)
    {
        // The first line that is no field ends the header; it belongs to the body, also where it is empty.
        if (_part == Part.Header && !_lineOpen && !IsHeader(record.Text))
            _part = Part.Body;
        if (_part == Part.Header ? Header : Body)
        {
            if (!_lineOpen)
                Place(record);
            _output.Write(record.Text);
            if (record.Type == 'N')
                _output.WriteLine();
        }
        _lineOpen = record.Type == 'L';
    }

    private static bool IsHeader(string line)
    {
        if (line.Length > 0 && line[0] is ' ' or '\t')
            return true;
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && line.AsSpan(0, colon).TrimEnd().IndexOfAnyExceptInRange('!', '~') < 0;
    }

    private void Line(MessageRecord record, string text)
    {
        Place(record);
        _output.WriteLine(text);
    }

    private void Place(MessageRecord record)
    {
        if (Offsets)
            _output.Write(string.Create(CultureInfo.InvariantCulture, $"{_offset,9} "));
        if (Types)
            _output.Write(string.Create(CultureInfo.InvariantCulture, $"{(int)record.Type,3} "));
    }

    private static string Named(MessageRecord record) => record.Type switch
    {
        'C' => "message_size: " + record.Text,
        'T' => "message_arrival_time: " + Time(record.Text),
        'A' when record.Text.StartsWith("create_time=", StringComparison.Ordinal) => "create_time: " + Time(record.Text["create_time=".Length..]),
        'A' => "named_attribute: " + record.Text,
        'F' => "sender_fullname: " + record.Text,
        'S' => "sender: " + record.Text,
        'O' => "original_recipient: " + record.Text,
        'R' => "recipient: " + record.Text,
        'D' => "done_recipient: " + record.Text,
        _ => record.Text,
    };

    /// <summary>As ctime(3) writes it.</summary>
    private static string Time(string seconds)
    {
        DateTimeOffset at = DateTimeOffset.FromUnixTimeSeconds(long.Parse(seconds.Split(' ')[0], CultureInfo.InvariantCulture)).ToLocalTime();
        return string.Create(CultureInfo.InvariantCulture, $"{at:ddd MMM} {at.Day,2} {at:HH:mm:ss yyyy}");
    }

    private static int LengthOctets(int length) => length < 1 << 7 ? 1 : length < 1 << 14 ? 2 : 3;
}
