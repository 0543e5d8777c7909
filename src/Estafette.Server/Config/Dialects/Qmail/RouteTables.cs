using System.Collections.Immutable;
using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Qmail;

/// <summary>What <c>locals</c>, <c>virtualdomains</c>, <c>percenthack</c> and <c>smtproutes</c> say. A line that says nothing is told with its place; the first line for a domain counts.</summary>
internal sealed class RouteTables
{
    private readonly ControlFolder _folder;
    private readonly Findings _findings;

    public RouteTables(ControlFolder folder, Findings findings)
    {
        _folder = folder;
        _findings = findings;
        ReadRoutes();
    }

    public ImmutableDictionary<string, string> Routes { get; private set; } = ImmutableDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Rows of a credentials table: the next hop as <see cref="Routes"/> writes it, and <c>user:password</c>.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Logins { get; private set; } = [];

    /// <summary>Without the file this host alone is local; an empty one makes nothing local.</summary>
    public ImmutableHashSet<string> Locals(string me) =>
        _folder.File("locals").Exists ? Domains("locals") : ImmutableHashSet.Create(StringComparer.Ordinal, me.ToLowerInvariant());

    public ImmutableHashSet<string> Domains(string name) =>
        _folder.File(name).Lines.Select(line => line.Text.ToLowerInvariant()).ToImmutableHashSet(StringComparer.Ordinal);

    public ImmutableDictionary<string, string> VirtualDomains()
    {
        ControlFile file = _folder.File("virtualdomains");
        ImmutableDictionary<string, string>.Builder found = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (ControlLine line in file.Lines)
        {
            int colon = line.Text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                _findings.Warning(ControlFolder.Place(file, line.Number), "the line has no colon and says nothing", "write `domain:prefix`, or `domain:` for an exception");
            else
                found.TryAdd(line.Text[..colon].ToLowerInvariant(), line.Text[(colon + 1)..]);
        }
        return found.ToImmutable();
    }

    private void ReadRoutes()
    {
        ControlFile file = _folder.File("smtproutes");
        ImmutableDictionary<string, string>.Builder routes = Routes.ToBuilder();
        ImmutableArray<KeyValuePair<string, string>>.Builder logins = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (ControlLine line in file.Lines)
        {
            SourceSpan at = ControlFolder.Place(file, line.Number);
            if (!SmtpRoute.TryParse(line.Text, out SmtpRoute? route, out string problem))
            {
                // The line itself may hold a password, so it is not shown (E54).
                _findings.Error(at, problem, "write `domain:relay:port` or `:relay:port`, with ` user password` behind it where the relay wants a login");
                continue;
            }
            string nextHop = NextHopOf(route!);
            if (!routes.TryAdd(route!.Domain, nextHop))
            {
                _findings.Warning(at, route.Domain.Length == 0 ? "an earlier line has a route for all mail already" : $"an earlier line has a route for {route.Domain} already", "remove one of the two");
                continue;
            }
            if (route.WithoutColon)
                _findings.Warning(at, "the line has no colon; it is taken as a route for all mail, which qmail-remote would not have done", $"write `:{route.Relay}` with a colon in front");
            if (route.User is not null)
                logins.Add(new(nextHop, route.User + ":" + route.Password));
        }
        Routes = routes.ToImmutable();
        Logins = logins.ToImmutable();
        if (!Logins.IsEmpty)
            TellOpenPasswords(file);
    }

    private void TellOpenPasswords(ControlFile file)
    {
        FileState state = _folder.Look(file.Path);
        if (state.OthersMayRead)
        {
            _findings.Warning(new SourceSpan(file.Path, 0, 0, 0), $"the file holds a password and everybody on this machine may read it (mode {state.Octal})",
                $"run `chmod 640 {file.Path}` and give it to the group of the mail server's user, and consider the password as known to others");
        }
    }

    /// <summary>As transport(5) writes next hops: brackets mean that no exchanger is looked for, which is what a route is.</summary>
    private static string NextHopOf(SmtpRoute route)
    {
        if (route.Relay.Length == 0)
            return "";
        string host = route.Relay.StartsWith('[') ? route.Relay : "[" + route.Relay + "]";
        return route.Port == 25 ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{route.Port}");
    }
}
