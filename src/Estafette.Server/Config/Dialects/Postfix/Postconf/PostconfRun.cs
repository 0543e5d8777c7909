using System.Numerics;

namespace Estafette.Config.Dialects.Postfix.Postconf;

/// <summary>One run of postconf(1) without its effects: what it shows, or the new text of the file that it edits. Which options go together is decided here, in the words of the original.</summary>
public static class PostconfRun
{
    private static readonly (PostconfModes Mode, string Name)[] s_options =
    [
        (PostconfModes.SaslServer, "-a"), (PostconfModes.SaslClient, "-A"), (PostconfModes.BounceExpanded, "-b"), (PostconfModes.Class, "-C"), (PostconfModes.Defaults, "-d"), (PostconfModes.Edit, "-e"),
        (PostconfModes.Fold, "-f"), (PostconfModes.Fields, "-F"), (PostconfModes.HideName, "-h"), (PostconfModes.HideValue, "-H"), (PostconfModes.Locks, "-l"), (PostconfModes.MapTypes, "-m"),
        (PostconfModes.Entries, "-M"), (PostconfModes.NotDefault, "-n"), (PostconfModes.Override, "-o"), (PostconfModes.Main, "-p"), (PostconfModes.Parameters, "-P"), (PostconfModes.BounceRaw, "-t"),
        (PostconfModes.Tls, "-T"), (PostconfModes.Expand, "-x"), (PostconfModes.Exclude, "-X"), (PostconfModes.CommentOut, "-#"),
    ];

    /// <summary>Of each of these only one may stand.</summary>
    private static readonly PostconfModes[] s_oneOf =
    [
        PostconfModes.Major,
        PostconfModes.Defaults | PostconfModes.Editing | PostconfModes.NotDefault,
        PostconfModes.Fold | PostconfModes.Editing,
        PostconfModes.Expand | PostconfModes.Editing,
        PostconfModes.Override | PostconfModes.Defaults | PostconfModes.Editing,
        PostconfModes.HideName | PostconfModes.Editing | PostconfModes.HideValue,
    ];

    private const PostconfModes Listing = PostconfModes.Fold | PostconfModes.Override | PostconfModes.Expand;

    /// <summary>What an option may stand together with.</summary>
    private static readonly (PostconfModes Mode, PostconfModes With)[] s_with =
    [
        (PostconfModes.SaslServer, 0), (PostconfModes.SaslClient, 0), (PostconfModes.BounceExpanded, 0), (PostconfModes.Locks, 0), (PostconfModes.MapTypes, 0), (PostconfModes.Tls, 0),
        (PostconfModes.BounceRaw, 0),
        (PostconfModes.Main, Listing | PostconfModes.Editing | PostconfModes.HideName | PostconfModes.HideValue | PostconfModes.Class | PostconfModes.Defaults | PostconfModes.NotDefault),
        (PostconfModes.Entries, Listing | PostconfModes.Editing),
        (PostconfModes.Fields, Listing | PostconfModes.Edit | PostconfModes.HideName | PostconfModes.HideValue),
        (PostconfModes.Parameters, Listing | PostconfModes.Edit | PostconfModes.Exclude | PostconfModes.HideName | PostconfModes.HideValue),
        (PostconfModes.Class, PostconfModes.Main | PostconfModes.Defaults | PostconfModes.NotDefault),
    ];

    /// <summary>With the options made explicit that the names imply.</summary>
    public static PostconfRequest Complete(PostconfRequest request)
    {
        PostconfModes modes = request.Modes;
        if ((modes & PostconfModes.Major) == 0)
            modes |= PostconfModes.Main;
        if ((modes & (PostconfModes.Main | PostconfModes.Master)) != 0 && request.Names.Length > 0 && request.Names[0].Contains('=', StringComparison.Ordinal))
            modes |= PostconfModes.Edit;
        return request with { Modes = modes };
    }

    /// <summary>Why these options cannot stand together; null when they can.</summary>
    public static string? Conflict(PostconfRequest request)
    {
        foreach (PostconfModes set in s_oneOf)
        {
            if (BitOperations.PopCount((uint)(request.Modes & set)) > 1)
                return "specify one of " + Names(request.Modes & set);
        }
        foreach ((PostconfModes mode, PostconfModes with) in s_with)
        {
            if (request.Has(mode) && (request.Modes & ~(mode | with)) is not 0 and PostconfModes excess)
                return "with option " + Names(mode) + ", do not specify " + Names(excess);
        }
        if (request.Has(PostconfModes.Edit) && request.Names.IsEmpty)
            return "-e requires name=value argument";
        return request.Has(PostconfModes.Editing) && request.Names.IsEmpty ? "missing service argument" : null;
    }

    public static PostconfOutput Show(PostconfRequest request)
    {
        var output = new PostconfOutput();
        var show = new PostconfShow(request, output);
        if (request.Has(PostconfModes.Master))
            show.Master();
        else
            show.Main();
        return output;
    }

    /// <summary>The file that is edited.</summary>
    public static string EditedFile(PostconfRequest request) => request.Folder + (request.Has(PostconfModes.Master) ? "/master.cf" : "/main.cf");

    /// <param name="text">Of that file, a character an octet.</param>
    /// <param name="output">What there is to say.</param>
    /// <returns>The new text; null where nothing may be written.</returns>
    public static string? Edit(PostconfRequest request, string text, out PostconfOutput output)
    {
        output = new PostconfOutput();
        return request.Has(PostconfModes.Master) ? new MasterEdit(request, output).Edit(EditedFile(request), text) : new PostconfEdit(request, output).Main(EditedFile(request), text);
    }

    private static string Names(PostconfModes modes) => string.Join(' ', s_options.Where(o => (modes & o.Mode) != 0).Select(o => o.Name));
}
