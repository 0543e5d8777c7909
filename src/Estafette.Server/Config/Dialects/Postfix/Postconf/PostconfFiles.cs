using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>main.cf and master.cf as postconf(1) reads them: problems in its own words, octets kept as they are.</summary>
internal static class PostconfFiles
{
    public static ImmutableArray<Setting>? Main(PostconfRequest request, PostconfOutput output)
    {
        string path = request.Folder + "/main.cf";
        if (Read(request.Machine, path) is not { } source)
        {
            output.Fail("open " + path + ": " + Why(request.Machine, path));
            return null;
        }
        var settings = ImmutableArray.CreateBuilder<Setting>();
        // Earlier ones stand first there: what was read before main.cf does not count as an entry.
        if (request.Folder != PostconfRequest.StandardFolder)
            settings.Add(new Setting("config_directory", request.Folder, SourceSpan.None));
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (LogicalLine line in Lines(source, output))
        {
            if (!Words.TrySplitSetting(line.Text, out string name, out string value, out string? problem))
            {
                output.Fail(path + ", line " + line.At.Line + ": " + problem + ": \"" + line.Text + "\"");
                return null;
            }
            if (seen.TryGetValue(name, out string? earlier))
                output.Warn(path + ", line " + line.At.Line + ": overriding earlier entry: " + name + "=" + earlier);
            seen[name] = value;
            settings.Add(new Setting(name, value, line.At));
        }
        foreach (string text in request.Overrides)
        {
            if (Words.TrySplitSetting(text, out string name, out string value, out string? problem))
                settings.Add(new Setting(name, value, SourceSpan.None));
            else
                output.Fail("invalid parameter override: " + text + ": " + problem);
        }
        return output.Failure is null ? settings.ToImmutable() : null;
    }

    /// <param name="needed">Without the file there is nothing to show.</param>
    public static ImmutableArray<MasterLine>? Master(PostconfRequest request, PostconfOutput output, bool needed)
    {
        string path = request.Folder + "/master.cf";
        if (Read(request.Machine, path) is not { } source)
        {
            string problem = "open " + path + ": " + Why(request.Machine, path);
            if (!needed)
            {
                output.Warn(problem);
                return [];
            }
            output.Fail(problem);
            return null;
        }
        var entries = ImmutableArray.CreateBuilder<MasterLine>();
        foreach (LogicalLine line in Lines(source, output))
        {
            MasterLine? entry = MasterLine.Parse(line.Text, output, out string? problem);
            if (problem is not null)
                output.Fail("file " + path + ": line " + line.At.Line + ": " + problem);
            if (entry is null)
                return null;
            entries.Add(entry);
        }
        return entries.ToImmutable();
    }

    public static SourceText? Read(IMachine machine, string path)
    {
        FileContent content = machine.Read(path);
        return content.Failure is null ? new SourceText(path, Encoding.Latin1.GetString(content.Bytes.Span)) : null;
    }

    /// <summary>As the C library says it.</summary>
    public static string Why(IMachine machine, string path) => machine.Read(path).Failure switch
    {
        "there is no such file" => "No such file or directory",
        "permission denied" => "Permission denied",
        "it is a folder" => "Is a directory",
        { } other => other,
        null => "Success",
    };

    private static ImmutableArray<LogicalLine> Lines(SourceText source, PostconfOutput output)
    {
        var findings = new Findings();
        ImmutableArray<LogicalLine> lines = LogicalLines.Of(source, findings);
        foreach (Diagnostic finding in findings.InOrder([source.Path]))
            output.Warn(source.Path + ": " + finding.Message);
        return lines;
    }
}
