using System.Text;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>
/// Edits the text of master.cf as <c>postconf -M</c>, <c>-F</c> and <c>-P</c> do with <c>-e</c>, <c>-#</c> and <c>-X</c>: an entry that is changed is written anew, all others and the comments stay. Null where the
/// request is no good, with the reason in the output.
/// </summary>
internal sealed class MasterEdit(PostconfRequest request, PostconfOutput output)
{
    private sealed class Wanted(string raw, ServicePattern pattern, string? value)
    {
        public string Raw => raw;
        public ServicePattern Pattern => pattern;
        public string? Value => value;

        /// <summary>The column of <c>-F</c>.</summary>
        public int Field { get; init; } = -1;
        public int Found { get; set; }
    }

    private const string Blanks = " \t\r\n";
    private const string Options = "-Me, -Fe, -Pe, -X, or -#";
    private readonly List<Wanted> _wanted = [];
    private readonly StringBuilder _result = new();

    public string? Edit(string path, string text)
    {
        foreach (string argument in request.Names)
            Add(argument);
        List<CfLine> lines = CfLine.Of(text);
        bool matched = false;
        for (int i = 0; i < lines.Count && output.Failure is null; i++)
        {
            if (!lines[i].HasContent)
                _result.Append(lines[i].Text);
            else if (lines[i].Continues)
                Pass(lines[i], matched);
            else
                matched = Entry(path, lines, ref i);
        }
        foreach (Wanted missing in _wanted.Where(w => w.Found == 0 && output.Failure is null))
        {
            if (!request.Has(PostconfModes.Entries))
                output.Warn("unmatched service_name/type: \"" + missing.Raw + "\"");
            else if (request.Has(PostconfModes.Edit) && Parsed(missing) is { } added)
                _result.Append(added.Show(fold: true));
        }
        return output.Failure is null ? _result.ToString() : null;
    }

    private void Pass(CfLine line, bool matched)
    {
        if (!matched)
            _result.Append(line.Text);
        else if (request.Has(PostconfModes.CommentOut))
            _result.Append('#').Append(line.Text);
    }

    /// <summary>The entry that begins at a line; what continues it is taken along where its parts are changed.</summary>
    /// <returns>Whether a request means it.</returns>
    private bool Entry(string path, List<CfLine> lines, ref int at)
    {
        string[] words = lines[at].Text.Split(Blanks.ToCharArray(), StringSplitOptions.RemoveEmptyEntries);
        string place = "file " + path + ": line " + (at + 1) + ": ";
        if (words.Length < 2)
            output.Fail(place + "specify service name and type on the same line");
        else if (words[0].Contains('=', StringComparison.Ordinal))
            output.Fail(place + "service name syntax \"" + words[0] + "\" is unsupported with " + Options);
        else if (words[1].AsSpan().ContainsAny('=', '/'))
            output.Fail(place + "service type syntax \"" + words[1] + "\" is unsupported with " + Options);
        if (output.Failure is not null)
            return false;
        MasterLine? changed = null;
        bool matched = false;
        CfLine first = lines[at];
        foreach (Wanted wanted in _wanted)
        {
            MasterLine? whole = request.Has(PostconfModes.Entries) && request.Has(PostconfModes.Edit) ? Parsed(wanted) : null;
            if (output.Failure is not null)
                return false;
            bool meant = wanted.Pattern.Matches(words[0], words[1]);
            if (!meant && !(whole is not null && whole.Name == words[0] && whole.Type == words[1]))
                continue;
            matched = true;
            wanted.Found++;
            if (whole is not null)
            {
                if (wanted.Found == 1)
                    changed = whole;
            }
            else if (request.Has(PostconfModes.Edit) || request is { Modes: var modes } && (modes & PostconfModes.Parameters) != 0 && (modes & PostconfModes.Exclude) != 0)
            {
                changed ??= Gather(lines, ref at, place);
                if (changed is null || !Change(changed, wanted))
                    return false;
            }
        }
        if (changed is not null)
            _result.Append(changed.Show(fold: true));
        else
            Pass(first, matched);
        return matched;
    }

    private bool Change(MasterLine entry, Wanted wanted)
    {
        if (request.Has(PostconfModes.Fields))
            return entry.SetField(wanted.Field, wanted.Value!, output);
        if (wanted.Value is null)
            entry.RemoveParameter(wanted.Pattern.Third);
        else
            entry.SetParameter(wanted.Pattern.Third, wanted.Value);
        return true;
    }

    /// <summary>The entry with the lines that continue it; comments among them go on before it.</summary>
    private MasterLine? Gather(List<CfLine> lines, ref int at, string place)
    {
        var text = new StringBuilder(lines[at].Text);
        while (at + 1 < lines.Count && (lines[at + 1].Continues || !lines[at + 1].HasContent))
        {
            at++;
            if (lines[at].HasContent)
                text.Append(lines[at].Text);
            else
                _result.Append(lines[at].Text);
        }
        MasterLine? entry = MasterLine.Parse(text.ToString(), output, out string? problem);
        if (problem is not null)
            output.Fail(place + problem);
        return entry;
    }

    private MasterLine? Parsed(Wanted wanted)
    {
        MasterLine? entry = MasterLine.Parse(wanted.Value!, output, out string? problem);
        if (problem is not null)
            output.Fail(problem + ": \"" + wanted.Raw + "\"");
        return entry;
    }

    private void Add(string argument)
    {
        string text = argument.TrimStart(Words.Blanks.ToCharArray());
        if (argument.Contains('\n', StringComparison.Ordinal))
            output.Fail(Options + " accept no multi-line input");
        else if (text.StartsWith('#'))
            output.Fail(Options + " accept no comment input");
        string pattern = text.TrimEnd(Words.Blanks.ToCharArray());
        string? value = null;
        if (request.Has(PostconfModes.Edit))
        {
            if (Words.TrySplitSetting(text, out pattern, out string given, out string? problem))
                value = given;
            else
                output.Fail(problem + ": \"" + argument + "\"");
        }
        else if (pattern.Contains('=', StringComparison.Ordinal))
            output.Fail("-X or -# requires names without value");
        int parts = request.Has(PostconfModes.Entries) ? 2 : 3;
        ServicePattern? parsed = ServicePattern.Parse(pattern, parts, parts);
        if (parsed is null)
        {
            output.Fail(request.Has(PostconfModes.Entries) ? "-Me, -MX or -M# requires service_name/type"
                : request.Has(PostconfModes.Fields) ? "-Fe or -FX requires service_name/type/field_name" : "-Pe or -PX requires service_name/type/parameter");
            return;
        }
        int field = request.Has(PostconfModes.Fields) ? Array.IndexOf(MasterLine.Fields, parsed.Third) : -1;
        bool blank = value is not null && value.AsSpan().ContainsAny(Blanks);
        if (request.Has(PostconfModes.Fields) && parsed.Third == ServicePattern.Any)
            output.Fail("-Fe does not accept wild-card field name");
        else if (request.Has(PostconfModes.Fields) && field < 0)
            output.Fail("invalid service attribute name: \"" + parsed.Third + "\"");
        else if (request.Has(PostconfModes.Fields) && field < MasterLine.Fields.Length - 1 && blank)
            output.Fail("-Fe does not accept whitespace in non-command field");
        else if (request.Has(PostconfModes.Parameters) && parsed.Third == ServicePattern.Any)
            output.Fail("-Pe does not accept wild-card parameter name");
        else if (request.Has(PostconfModes.Parameters) && blank)
            output.Fail("-Pe does not accept whitespace in parameter value");
        _wanted.Add(new Wanted(argument, parsed, value) { Field = field });
    }
}
