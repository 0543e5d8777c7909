namespace Estafette.Program.Commands.Postfix;

/// <summary>postlog(1): writes a line, or each line of standard input, to the mail log; on a terminal to standard error too.</summary>
internal static class PostlogCommand
{
    private const string Usage = "postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]";

    public static async Task<int> RunAsync(string[] args)
    {
        var tool = new PostfixTool("postlog", ExitCode.Failure);
        var options = new OptionReader("c:ip:t:v", args);
        string tag = "postfix/postlog", severity = "info";
        while (options.Next() is { } option)
        {
            switch (option.Letter)
            {
                case 'c' when !await tool.UseFolderAsync(option.Value):
                    return tool.Failure;
                case 't':
                    tag = option.Value;
                    break;
                case 'p' when Severity(option.Value) is string known:
                    severity = known;
                    break;
                case 'p':
                    return await tool.FatalAsync($"bad severity: \"{option.Value}\"");
            }
        }
        if (options.Problem is not null)
            return await tool.UsageAsync(options.Problem, Usage);
        var log = new MailLog(tool.State);
        if (options.Rest.Count > 0)
            await WriteAsync(log, tag, severity, string.Join(' ', options.Rest));
        else
            while (await Console.In.ReadLineAsync() is string line)
                await WriteAsync(log, tag, severity, line);
        return ExitCode.Ok;
    }

    private static async Task WriteAsync(MailLog log, string tag, string severity, string text)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine(severity == "info" ? $"{tag}: {text}" : $"{tag}: {severity}: {text}");
        await log.WriteAsync(tag, severity, text);
    }

    private static string? Severity(string word) => word switch
    {
        "info" => "info",
        "warn" or "warning" => "warning",
        "error" or "err" => "error",
        "fatal" or "crit" => "fatal",
        "panic" => "panic",
        _ => null,
    };
}
