using System.Collections.Concurrent;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Queue;

namespace Estafette.Tests.Queue;

/// <summary>One attempt as the agent saw it.</summary>
internal sealed record Seen(MessageId Id, string NextHop, string ReversePath, string[] Recipients, int Attempt);

/// <summary>An agent whose outcomes a test decides. The next hop is the recipient's domain.</summary>
internal sealed class ScriptedAgent : IDeliveryAgent
{
    private int _lanes;

    public ConcurrentQueue<Seen> Log { get; } = new();

    /// <summary>Delivered unless the test says otherwise.</summary>
    public Func<DeliveryJob, Recipient, DeliveryOutcome> Answer { get; set; } = static (_, _) => DeliveryOutcome.Delivered();

    /// <summary>Runs before a job's outcomes are told.</summary>
    public Func<DeliveryJob, CancellationToken, Task>? Before { get; set; }
    public int PerJob { get; init; } = 100;
    public int LaneLimit { get; init; } = 20;
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(1);
    public Func<DeliveryLane, Task>? Serve { get; set; }
    public ConcurrentDictionary<string, int> OpenLanes { get; } = new();
    public ConcurrentDictionary<string, int> MostLanes { get; } = new();
    public int LanesOpened => Volatile.Read(ref _lanes);

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Relay or ActionConfig.Local or ActionConfig.LocalUsers or ActionConfig.Refuse;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) =>
        new("smtp", recipient.NextHop.Length > 0 ? recipient.NextHop : action is ActionConfig.Relay { Hosts: [var host, ..] } ? host.Host : recipient.Address.Domain, action.Name);

    public int RecipientsPerJob(ActionConfig action) => PerJob;

    public int LanesPerNextHop(ActionConfig action, LimitsConfig limits) => LaneLimit;

    public async Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lanes);
        string hop = lane.NextHop.Name;
        int now = OpenLanes.AddOrUpdate(hop, 1, static (_, old) => old + 1);
        MostLanes.AddOrUpdate(hop, now, (_, old) => Math.Max(old, now));
        try
        {
            if (Serve is not null)
            {
                await Serve(lane);
                return;
            }
            while (await lane.TakeAsync(Wait, cancellationToken) is { } job)
                await RunAsync(hop, job, cancellationToken);
        }
        finally
        {
            OpenLanes.AddOrUpdate(hop, 0, static (_, old) => old - 1);
        }
    }

    private async Task RunAsync(string hop, DeliveryJob job, CancellationToken cancellationToken)
    {
        Log.Enqueue(new Seen(job.Envelope.Id, hop, job.ReversePath.ToString(), [.. job.Recipients.Select(i => job.Envelope.Recipients[i].Address.ToString())], job.Attempt));
        if (Before is not null)
            await Before(job, cancellationToken);
        foreach (int index in job.Recipients)
            job.Complete(index, Answer(job, job.Envelope.Recipients[index]));
    }
}
