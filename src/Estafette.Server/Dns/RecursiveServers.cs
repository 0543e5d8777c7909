using System.Collections.Immutable;
using System.Net;

namespace Estafette.Dns;

/// <summary>
/// Turns a question into a result: asks the servers in turn until one answers usably, and follows CNAME across answers. The server that answered last is
/// asked first (or each in turn, with <c>rotate</c>).
/// </summary>
internal sealed class RecursiveServers(ResolverSettings settings, TimeProvider clock)
{
    /// <summary>CNAME steps of one question, over all answers.</summary>
    public const int MaximumAliases = 16;

    private readonly WatchedFile<ResolvConf> _conf = new(settings.ResolvConf, ResolvConf.Parse, ResolvConf.Default, settings.FileCheckInterval, clock);
    private readonly DnsExchange _exchange = new(clock);
    private int _first;

    public async Task<DnsResult> ResolveAsync(DnsKey key)
    {
        using var timer = new CancellationTokenSource(settings.TotalTimeout, clock);
        try
        {
            return await FollowAsync(key, timer.Token);
        }
        catch (OperationCanceledException)
        {
            return DnsResult.Failed("no answer in time", settings.FailureTtl);
        }
    }

    private async Task<DnsResult> FollowAsync(DnsKey key, CancellationToken cancellationToken)
    {
        var walk = new AliasWalk(key, settings);
        while (true)
        {
            (DnsResponse? response, bool trusted, string problem) = await AskAsync(new DnsKey(walk.Name, key.Type), cancellationToken);
            if (response is null)
                return DnsResult.Failed(problem, settings.FailureTtl);
            if (walk.Take(response, trusted) is { } result)
                return result;
        }
    }

    private async Task<(DnsResponse? Response, bool Trusted, string Problem)> AskAsync(DnsKey key, CancellationToken cancellationToken)
    {
        ResolvConf conf = _conf.Value;
        ImmutableArray<IPEndPoint> servers = settings.Servers.IsEmpty ? conf.Servers : settings.Servers;
        TimeSpan timeout = settings.Timeout ?? conf.Timeout;
        int total = (settings.Attempts ?? conf.Attempts) * servers.Length;
        int first = conf.Rotate ? Interlocked.Increment(ref _first) & int.MaxValue : Volatile.Read(ref _first);
        string problem = "";
        for (int i = 0; i < total; i++)
        {
            int index = (first + i) % servers.Length;
            var question = new DnsQuestion(key.Name, key.Type, settings.RandomizeCase);
            DnsReply reply = await _exchange.AskAsync(servers[index], question, timeout, cancellationToken);
            problem = reply.Response is null ? reply.Problem : Complaint(servers[index], reply.Response);
            if (problem.Length > 0)
                continue;
            if (!conf.Rotate)
                Volatile.Write(ref _first, index);
            return (reply.Response, conf.TrustAd || IPAddress.IsLoopback(servers[index].Address), "");
        }
        return (null, false, problem);
    }

    /// <summary>Why the next server should be asked; empty when the response can be used.</summary>
    private static string Complaint(IPEndPoint server, DnsResponse response)
    {
        if (response.Code is not (DnsResponseCode.NoError or DnsResponseCode.NameError))
            return $"{server} answered {response.Code}";
        bool referral = response.Answers.IsEmpty && response.NegativeTtl is null && !response.RecursionAvailable && !response.IsAuthoritative;
        return referral ? $"{server} does not know and does not ask others" : "";
    }
}
