using System.Globalization;
using Estafette.Control;

namespace Estafette.Program.Commands.Postfix;

/// <summary>qshape(1): ages and domains of what waits, in the queues that are named (default: incoming and active).</summary>
internal static class QshapeCommand
{
    private const string Usage = """
        Usage: qshape [ -s ] [ -p ] [ -m <min_subdomains> ] [ -l ]
        	[ -b <bucket_count> ] [ -t <bucket_time> ] [ -w <terminal_width> ]
        	[ -N <batch_msg_count> ] [ -n <batch_top_domains> ]
        	[ -c <config_directory> ] [ <queue_name> ... ]
        -s counts senders' domains, -p adds sums for parent domains (with a leading '.', if they have
        at least <min_subdomains>, default 5), -l makes all columns <bucket_time> minutes (default 5) wide instead
        of each twice as wide as the one before. Queues: incoming and active, or those named
        (incoming, active, deferred, hold).
        """;

    private static readonly string[] s_queues = ["incoming", "active", "deferred", "hold"];

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("qshape", ExitCode.Failure);
        var options = new OptionReader("lhc:psw:b:t:m:n:N:", args);
        var shape = new QueueShapeOptions();
        bool senders = false;
        int top = Console.IsOutputRedirected ? 0 : 20;
        while (options.Next() is { } option)
        {
            int number = int.TryParse(option.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0;
            switch (option.Letter)
            {
                case 'h':
                    return Help();
                case 'c' when !await tool.UseFolderAsync(option.Value):
                    return tool.Failure;
                case 's': senders = true; break;
                case 'l': shape = shape with { Linear = true }; break;
                case 'p': shape = shape with { Parents = true }; break;
                case 'w' when number > 80: shape = shape with { Width = Math.Min(number, 1000) }; break;
                case 'b' when number > 0: shape = shape with { Buckets = Math.Min(number, 100) }; break;
                case 't' when number > 0: shape = shape with { BucketMinutes = Math.Min(number, 1_000_000) }; break;
                case 'm' when number > 0: shape = shape with { LeastChildren = number }; break;
                case 'n' when !Console.IsOutputRedirected: top = number; break;
            }
        }
        if (options.Problem is not null)
        {
            Console.Error.WriteLine("qshape: " + options.Problem);
            return Help();
        }
        string[] queues = options.Rest.Count == 0 ? ["incoming", "active"] : [.. options.Rest.Select(q => Path.GetFileName(q.TrimEnd('/')))];
        foreach (string unknown in queues.Except(s_queues))
            Console.Error.WriteLine($"Can't stat {unknown}: No such file or directory");
        return await CountAsync(tool, [.. queues.Intersect(s_queues)], new QueueShape(shape), senders, top);
    }

    private static async Task<int> CountAsync(PostfixTool tool, string[] queues, QueueShape shape, bool senders, int top)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        ControlEnd? end = queues.Length == 0 ? new ControlEnd(null, 0) : await tool.AskAsync(new ControlRequest("list-messages") { Arguments = [string.Join(',', queues)] }, row =>
        {
            if (row.Message is not { } message)
                return;
            foreach (string address in senders ? [message.Sender] : message.Recipients.Select(r => r.Address))
                shape.Add(address, now - message.Arrived);
        });
        if (end is null)
            return await tool.FatalAsync("the mail system is down: its queue is read by the running server only (postfix start)");
        if (end.IsDenied)
            return await tool.FatalAsync($"User {PostfixTool.User()} is not allowed to view the mail queue");
        if (end.Error is not null)
            return await tool.FatalAsync(end.Error);
        Console.Out.Write(shape.Print(top));
        return ExitCode.Ok;
    }

    private static int Help()
    {
        Console.Error.WriteLine(Usage);
        return 255;
    }
}
