using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Estafette.Dns;

/// <summary>What resolv.conf(5) says that matters to a mail server: servers, timeout, attempts, rotate, trust-ad. Search lists are not: mail names are whole.</summary>
public sealed record ResolvConf
{
    /// <summary>As the C library has it.</summary>
    public const int MaximumServers = 3;

    public ImmutableArray<IPEndPoint> Servers { get; init; } = [new IPEndPoint(IPAddress.Loopback, 53)];
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);
    public int Attempts { get; init; } = 2;
    public bool Rotate { get; init; }
    public bool TrustAd { get; init; }

    public static ResolvConf Default { get; } = new();

    /// <summary>Lines that are not understood are ignored, as the C library does.</summary>
    public static ResolvConf Parse(string text)
    {
        ResolvConf conf = Default;
        var servers = ImmutableArray.CreateBuilder<IPEndPoint>();
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var address, ..] && servers.Count < MaximumServers && IPAddress.TryParse(address, out IPAddress? parsed))
                servers.Add(new IPEndPoint(parsed, 53));
            else if (words is ["options", ..])
                conf = words[1..].Aggregate(conf, WithOption);
        }
        return servers.Count > 0 ? conf with { Servers = servers.ToImmutable() } : conf;
    }

    private static ResolvConf WithOption(ResolvConf conf, string option) => option switch
    {
        "rotate" => conf with { Rotate = true },
        "trust-ad" => conf with { TrustAd = true },
        _ when Number(option, "timeout:", 30) is int seconds => conf with { Timeout = TimeSpan.FromSeconds(seconds) },
        _ when Number(option, "attempts:", 5) is int attempts => conf with { Attempts = attempts },
        _ => conf,
    };

    private static int? Number(string option, string name, int maximum) =>
        option.StartsWith(name, StringComparison.Ordinal)
        && int.TryParse(option.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? Math.Clamp(value, 1, maximum) : null;
}
