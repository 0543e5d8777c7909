using System.Globalization;
using Estafette.Control;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Program.Commands.Postfix;

/// <summary>
/// postsuper(1): deletes, holds, releases, requeues or expires messages, by id or <c>ALL</c>, in the queues that are named. The structure checks (-s, -S, -p) have nothing to do
/// here: the spool is checked whenever the server starts, and a message is never in a wrong place.
/// </summary>
internal static class PostsuperCommand
{
    private const string Usage = "postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] " +
        "[-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...]";

    /// <summary>Ids in one request to the daemon: far below <see cref="ControlRequest.MaximumLength"/>.</summary>
    private const int Batch = 400;

    private static readonly string[] s_queues = ["maildrop", "incoming", "active", "deferred", "hold", "bounce", "defer", "trace", "flush", "corrupt", "saved"];

    /// <param name="Letter">The option.</param>
    /// <param name="Queues">Where it looks unless told otherwise.</param>
    /// <param name="Done">What is said of one message.</param>
    /// <param name="Total">What is said of all.</param>
    private sealed record Work(char Letter, MessageChange Change, string Queues, string Done, string Total);

    private static readonly Work[] s_work =
    [
        new('d', MessageChange.Delete, "hold,incoming,active,deferred", "removed", "Deleted"),
        new('h', MessageChange.Hold, "incoming,active,deferred", "placed on hold", "Placed on hold"),
        new('H', MessageChange.Release, "hold", "released from hold", "Released from hold"),
        new('r', MessageChange.Requeue, "hold,incoming,active,deferred", "requeued", "Requeued"),
        new('e', MessageChange.Expire, "hold,incoming,active,deferred", "expired", "Force-expired"),
        new('f', MessageChange.ExpireAndRelease, "hold,incoming,active,deferred", "expired", "Force-expired"),
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("postsuper", ExitCode.Failure);
        if (!PostfixTool.IsRoot && !await MayOperateAsync(tool))
            return await tool.FatalAsync("use of this command is reserved for the superuser");
        var options = new OptionReader("c:d:e:f:h:H:pr:sSv", args);
        var named = new List<(Work Work, string Id)>();
        while (options.Next() is { } option)
        {
            if (option.Letter == 'c' && !await tool.UseFolderAsync(option.Value))
                return tool.Failure;
            if (Array.Find(s_work, work => work.Letter == option.Letter) is { } wanted)
                named.Add((wanted, option.Value));
        }
        if (options.Problem is not null)
            return await tool.UsageAsync(options.Problem, Usage);
        if (options.Rest.FirstOrDefault(queue => !s_queues.Contains(queue)) is string unknown)
            return await tool.FatalAsync($"invalid directory name: {unknown}");
        foreach (IGrouping<Work, (Work Work, string Id)> group in named.GroupBy(one => one.Work))
        {
            IEnumerable<string> ids = group.SelectMany(one => one.Id == "-" ? Lines() : [one.Id]);
            if (await DoAsync(tool, group.Key, options.Rest.Count > 0 ? string.Join(',', options.Rest) : group.Key.Queues, ids) is int failed)
                return failed;
        }
        return ExitCode.Ok;
    }

    /// <summary>Everybody but root is refused in the original's words, except the daemon's own user, who needs no root to run a server of their own.</summary>
    private static async Task<bool> MayOperateAsync(PostfixTool tool) =>
        await tool.AskAsync(new ControlRequest("show-status"), static _ => { }) is { IsDenied: false };

    private static IEnumerable<string> Lines()
    {
        while (Console.In.ReadLine() is string line)
        {
            if (line.Trim() is { Length: > 0 } id)
                yield return id;
        }
    }

    private static async Task<int?> DoAsync(PostfixTool tool, Work work, string queues, IEnumerable<string> ids)
    {
        int changed = 0;
        foreach (string[] batch in ids.Chunk(Batch))
        {
            foreach (string wrong in batch.Where(id => !PostqueueCommand.IsId(id)))
                await tool.TellAsync("warning", $"invalid mail queue id: {wrong}");
            string[] known = [.. batch.Where(id => id == "ALL" || MessageId.TryParse(id, out _))];
            if (known.Length == 0)
                continue;
            foreach (string[] request in known.Contains("ALL") ? [["ALL"]] : (string[][])[known])
            {
                ControlEnd? end = await tool.AskAsync(new ControlRequest("change-messages") { Arguments = [work.Change.ToString(), queues, .. request] },
                    row => Console.Error.WriteLine($"{tool.Name}: {row.Text}: {work.Done}"));
                if (end is null)
                    return await tool.FatalAsync("the mail system is down: its queue is operated by the running server only (postfix start)");
                if (end.Error is not null)
                    return await tool.FatalAsync(end.Error);
                changed += end.Affected;
            }
        }
        await tool.TellAsync("info", string.Create(CultureInfo.InvariantCulture, $"{work.Total}: {changed} message{(changed == 1 ? "" : "s")}"));
        return null;
    }
}
