using System.Collections.Frozen;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>The names that <c>limit NAME VALUE</c> knows, each with the kind of its value. A test holds it against <see cref="LimitsConfig"/>.</summary>
internal static class LimitNames
{
    public enum ValueKind { Count, Size, Time }

    public sealed record Limit(ValueKind Kind, long Least, long Most, Func<LimitsConfig, long, LimitsConfig> Set);

    public static FrozenDictionary<string, Limit> All { get; } = new Dictionary<string, Limit>(StringComparer.Ordinal)
    {
        ["message-size"] = new(ValueKind.Size, 1024, long.MaxValue, (l, v) => l with { MessageSize = v }),
        ["command-line"] = Size(512, 1 << 20, (l, v) => l with { CommandLine = v }),
        ["auth-line"] = Size(512, 1 << 20, (l, v) => l with { AuthLine = v }),
        ["text-line"] = Size(1000, 1 << 24, (l, v) => l with { TextLine = v }),
        ["header-size"] = Size(1000, 1 << 24, (l, v) => l with { HeaderSize = v }),
        ["header-fields"] = Count(100, (l, v) => l with { HeaderFields = v }),
        ["recipients"] = Count(1, (l, v) => l with { Recipients = v }),
        ["messages-per-session"] = Count(1, (l, v) => l with { MessagesPerSession = v }),
        ["hops"] = Count(5, (l, v) => l with { Hops = v }),
        ["junk-commands"] = Count(1, (l, v) => l with { JunkCommands = v }),
        ["errors"] = Count(1, (l, v) => l with { Errors = v }),
        ["sessions"] = Count(1, (l, v) => l with { Sessions = v }),
        ["sessions-per-client"] = Count(1, (l, v) => l with { SessionsPerClient = v }),
        ["auth-failures-per-client"] = Count(1, (l, v) => l with { AuthFailuresPerClient = v }),
        ["auth-failures-per-login"] = Count(1, (l, v) => l with { AuthFailuresPerLogin = v }),
        ["auth-failures-total"] = Count(1, (l, v) => l with { AuthFailuresTotal = v }),
        ["auth-window"] = Time((l, v) => l with { AuthWindow = v }),
        ["auth-checks"] = Count(1, (l, v) => l with { AuthChecks = v }),
        ["command-timeout"] = Time((l, v) => l with { CommandTimeout = v }),
        ["tls-handshake"] = Time((l, v) => l with { TlsHandshake = v }),
        ["data-timeout"] = Time((l, v) => l with { DataTimeout = v }),
        ["session-total"] = Time((l, v) => l with { SessionTotal = v }),
        ["minimum-data-rate"] = Size(1, int.MaxValue, (l, v) => l with { MinimumDataRate = v }),
        ["expansion-depth"] = Count(1, (l, v) => l with { ExpansionDepth = v }),
        ["expansion-size"] = Count(1, (l, v) => l with { ExpansionSize = v }),
        ["connections-per-next-hop"] = Count(1, (l, v) => l with { ConnectionsPerNextHop = v }),
        ["deliveries"] = Count(1, (l, v) => l with { Deliveries = v }),
        ["active-messages"] = Count(1, (l, v) => l with { ActiveMessages = v }),
        ["drain"] = Time((l, v) => l with { Drain = v }),
        ["command-run"] = Time((l, v) => l with { CommandRun = v }),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static Limit Count(long least, Func<LimitsConfig, int, LimitsConfig> set) => new(ValueKind.Count, least, int.MaxValue, (l, v) => set(l, (int)v));

    private static Limit Size(long least, long most, Func<LimitsConfig, int, LimitsConfig> set) => new(ValueKind.Size, least, most, (l, v) => set(l, (int)v));

    private static Limit Time(Func<LimitsConfig, TimeSpan, LimitsConfig> set) =>
        new(ValueKind.Time, 1, 10 * 365 * 86_400L, (l, v) => set(l, TimeSpan.FromSeconds(v)));
}
