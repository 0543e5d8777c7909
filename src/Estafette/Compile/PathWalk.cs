using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config;
using Estafette.Program.Daemon;

namespace Estafette.Program.Compile;

/// <summary>
/// A path as the kernel walks it: every folder and link on the way, and what stands at its end. It answers who, beside root, could make the path mean another file, and
/// whether the daemon's user can read it. Where nobody but root can change a step, a later opening finds the same file.
/// </summary>
internal sealed class PathWalk
{
    /// <summary>Links on one path, as many as the kernel follows.</summary>
    private const int MaximumLinks = 40;

    private const int GroupWrite = 0x10, OtherWrite = 0x2, Sticky = 0x200;

    private PathWalk(ImmutableArray<Step> steps, string? failure) => (Steps, Failure) = (steps, failure);

    private sealed record Step(string Path, FileStamp Stamp);

    private ImmutableArray<Step> Steps { get; }

    /// <summary>Why the path leads nowhere, in the system's words; null when it leads somewhere.</summary>
    public string? Failure { get; }

    /// <summary>What stands at the end.</summary>
    public FileStamp End => Steps[^1].Stamp;

    public static PathWalk Of(string path)
    {
        var steps = ImmutableArray.CreateBuilder<Step>();
        var rest = new Stack<string>(Parts(Path.GetFullPath(path)));
        string at = "/";
        string? failure = Add(steps, at);
        for (int links = 0; failure is null && rest.TryPop(out string? name);)
        {
            string next = name == ".." ? Path.GetDirectoryName(at) ?? "/" : Path.Combine(at, name);
            failure = Add(steps, next);
            if (failure is not null || !steps[^1].Stamp.IsLink)
            {
                at = next;
                continue;
            }
            string target = new FileInfo(next).LinkTarget ?? "";
            failure = ++links > MaximumLinks ? "too many links" : target.Length == 0 ? "a link that cannot be read" : null;
            if (target.StartsWith('/'))
                at = "/";
            foreach (string part in Parts(target))
                rest.Push(part);
        }
        return new PathWalk(steps.ToImmutable(), failure);
    }

    /// <summary>Whether a process of this user can open what stands at the end; access lists that grant more are not looked at.</summary>
    public bool MayRead(DaemonUser user) => Failure is null
        && Steps.SkipLast(1).All(s => s.Stamp.IsLink || (Bits(s.Stamp, user) & 1) != 0) && (Bits(End, user) & 4) != 0;

    /// <summary>Whom beside root the path depends on, in words; null when on nobody.</summary>
    public string? Stranger()
    {
        foreach (Step step in Steps)
        {
            if (step.Stamp.User != 0)
                return string.Create(CultureInfo.InvariantCulture, $"{step.Path} belongs to user {step.Stamp.User}");
            if (IsOpen(step.Stamp, OtherWrite) || (IsOpen(step.Stamp, GroupWrite) && step.Stamp.Group != 0))
                return $"{step.Path} can be written by others (mode {Octal(step.Stamp)})";
        }
        return null;
    }

    /// <summary>Which step the daemon's own user could change; null when none.</summary>
    public string? OpenTo(DaemonUser user) => Steps.FirstOrDefault(s =>
        s.Stamp.User == user.User || IsOpen(s.Stamp, OtherWrite) || (IsOpen(s.Stamp, GroupWrite) && IsMember(user, s.Stamp.Group)))?.Path;

    /// <summary>Links have no mode of their own; in a folder with the sticky bit everybody changes only what is his.</summary>
    private static bool IsOpen(FileStamp stamp, int bit) => !stamp.IsLink && (stamp.Mode & bit) != 0 && !(stamp.IsFolder && (stamp.Mode & Sticky) != 0);

    private static int Bits(FileStamp stamp, DaemonUser user) =>
        stamp.User == user.User ? stamp.Mode >> 6 : IsMember(user, stamp.Group) ? stamp.Mode >> 3 : stamp.Mode;

    private static bool IsMember(DaemonUser user, uint group) => user.Group == group || user.MoreGroups.Contains(group);

    private static string Octal(FileStamp stamp) => "0" + Convert.ToString(stamp.Mode & 0xfff, 8);

    private static string? Add(ImmutableArray<Step>.Builder steps, string path)
    {
        if (!FileStamp.TryReadItself(path, out FileStamp stamp, out FileFailure failure))
            return failure.Text;
        steps.Add(new Step(path, stamp));
        return null;
    }

    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").Reverse();
}
