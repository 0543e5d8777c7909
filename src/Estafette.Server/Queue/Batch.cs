using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>
/// The recipients of one message that wait at one next hop with one reverse-path. Jobs are cut from it when a lane asks. Guarded by the ready queues' lock.
/// </summary>
internal sealed class Batch(ActiveMessage message, NextHop nextHop, IDeliveryAgent agent, int[] recipients)
{
    public ActiveMessage Message => message;
    public NextHop NextHop => nextHop;
    public IDeliveryAgent Agent => agent;
    public int[] Recipients => recipients;

    /// <summary>The snapshot that gave the next hop; another one in force means it is asked again.</summary>
    public required MailConfig Config { get; init; }
    public required MailAddress ReversePath { get; init; }

    /// <summary>Recipients already cut into jobs.</summary>
    public int Taken { get; private set; }

    /// <summary>Recipients without an outcome.</summary>
    public int Left { get; set; } = recipients.Length;

    public bool IsTaken => Taken == recipients.Length;

    public ArraySegment<int> Take(int most)
    {
        int count = Math.Min(Math.Max(1, most), recipients.Length - Taken);
        var slice = new ArraySegment<int>(recipients, Taken, count);
        Taken += count;
        return slice;
    }
}
