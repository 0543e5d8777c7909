namespace Estafette.Config.Model;

/// <summary>How much one action may do at once and how fast, where the language sets that for each of them. 0 leaves a limit to <see cref="LimitsConfig"/> and the agent.</summary>
public sealed record DeliveryPace
{
    /// <summary><c>transport_destination_concurrency_limit</c>: connections to one next hop.</summary>
    public int Connections { get; init; }

    /// <summary><c>transport_destination_recipient_limit</c>: recipients of one message in one delivery.</summary>
    public int Recipients { get; init; }

    /// <summary>The process limit of the service: its connections to all next hops together.</summary>
    public int Processes { get; init; }

    /// <summary><c>transport_destination_rate_delay</c>: between two deliveries to one next hop, which then are one at a time.</summary>
    public TimeSpan Gap { get; init; }

    /// <summary><c>transport_transport_rate_delay</c>: between any two deliveries of the action, which then are one at a time.</summary>
    public TimeSpan TotalGap { get; init; }

    /// <summary>One delivery a connection, and a rest behind each.</summary>
    public bool Rests => Gap > TimeSpan.Zero || TotalGap > TimeSpan.Zero;

    /// <summary>All next hops of the action share something.</summary>
    public bool IsShared => Processes > 0 || TotalGap > TimeSpan.Zero;
}
