using System.Text;
using Estafette.Control;
using Estafette.Program.Submission;

namespace Estafette.Program.Commands.Postfix;

/// <summary>postqueue(1), and mailq and <c>sendmail -bp</c> where the configuration is Postfix's: lists the queue, and asks for attempts now.</summary>
internal static class PostqueueCommand
{
    private const string Usage = "postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("postqueue", ExitCode.Unavailable);
        var options = new OptionReader("c:fi:jps:v", args);
        char mode = '\0';
        string value = "";
        while (options.Next() is { } option)
        {
            switch (option.Letter)
            {
                case 'v':
                    break;
                case 'c':
                    if (!await tool.UseFolderAsync(option.Value))
                        return tool.Failure;
                    break;
                default:
                    if (mode != '\0')
                        return await tool.UsageAsync(null, Usage);
                    (mode, value) = option;
                    break;
            }
        }
        if (options.Problem is not null || options.Rest.Count > 0 || mode == '\0')
            return await tool.UsageAsync(options.Problem, Usage);
        return mode switch
        {
            'p' or 'j' => await ListAsync(tool, json: mode == 'j'),
            'f' => await FlushAsync(tool, new ControlRequest("schedule") { Arguments = ["all"] }),
            'i' when !IsId(value) => await tool.FatalAsync($"Cannot flush queue ID - invalid name: \"{value}\""),
            'i' => await FlushAsync(tool, new ControlRequest("schedule") { Arguments = [value] }),
            _ when !IsSite(value) => await tool.FatalAsync($"Cannot flush mail queue - invalid destination: \"{value}\""),
            _ => await FlushAsync(tool, new ControlRequest("flush-site") { Arguments = [value] }),
        };
    }

    /// <summary>What mailq prints; the caller found that the configuration is Postfix's.</summary>
    public static Task<int> ListAsync() => ListAsync(new PostfixTool("postqueue", ExitCode.Unavailable), json: false);

    private static async Task<int> ListAsync(PostfixTool tool, bool json)
    {
        StreamWriter output = PostfixTool.Output(new UTF8Encoding(false));
        var table = new QueueTable(output, SubmissionProfile.Read(tool.State).LongQueueIds);
        bool gone = false;
        string reason = "";
        ControlEnd? end = await tool.AskAsync(new ControlRequest("list-messages"), row =>
        {
            if (row.Message is not { } message)
                return;
            if (json)
                output.WriteLine(QueueTable.Json(message));
            else
                table.Add(message);
        }, down => reason = down);
        if (end is null)
            return await tool.FatalAsync($"Queue report unavailable - mail system is down (Connect to the Postfix showq service: {reason})");
        if (end.IsDenied)
            return await tool.FatalAsync($"User {PostfixTool.User()} is not allowed to view the mail queue");
        try
        {
            if (!json && end.Error is null)
                table.End();
            await output.FlushAsync();
        }
        catch (IOException)
        {
            // Whoever read the list has seen enough.
            gone = true;
        }
        return end.Error is null || gone ? ExitCode.Ok : await tool.FatalAsync(end.Error);
    }

    private static async Task<int> FlushAsync(PostfixTool tool, ControlRequest request)
    {
        ControlEnd? end = await tool.AskAsync(request, static _ => { });
        if (end is null)
            return await tool.FatalAsync("Cannot flush mail queue - mail system is down");
        if (end.IsDenied)
            return await tool.FatalAsync($"User {PostfixTool.User()} is not allowed to flush the mail queue");
        // An id that is none of ours is one that is not in the queue: the original says nothing either.
        return end.Error is null || request is { Command: "schedule" } ? ExitCode.Ok : await tool.FatalAsync(end.Error);
    }

    /// <summary>Letters and digits, as all queue ids.</summary>
    public static bool IsId(string text) => text.Length is > 0 and <= 100 && text.All(char.IsAsciiLetterOrDigit);

    private static bool IsSite(string text) =>
        text.StartsWith('[') ? text.EndsWith(']') && text.Length > 2 : text.Length is > 0 and < 255 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' || c > '\x7f') && !text.StartsWith('.') && !text.StartsWith('-');
}
