using System.Text.Json;
using System.Text.Json.Serialization;

namespace Estafette.Control;

/// <summary>
/// What the admin socket speaks: one JSON object a line. The client sends one <see cref="ControlRequest"/>; the daemon answers any number of
/// <see cref="ControlRow"/> lines and ends with one whose <see cref="ControlRow.Done"/> is set.
/// </summary>
public sealed record ControlRequest(string Command)
{
    /// <summary>Octets of a request line.</summary>
    public const int MaximumLength = 16 << 10;

    public IReadOnlyList<string> Arguments { get; init; } = [];
}

/// <summary>One line of an answer: a queue entry, a message, a record of one, a line of text, or the end.</summary>
public sealed record ControlRow
{
    public QueueEntry? Entry { get; init; }
    public QueuedMessage? Message { get; init; }
    public MessageRecord? Record { get; init; }
    public string? Text { get; init; }
    public ControlEnd? Done { get; init; }
}

/// <summary>How a request ended; <paramref name="Error"/> is null when it was carried out.</summary>
public sealed record ControlEnd(string? Error, int Affected)
{
    /// <summary>Who asked may not have that.</summary>
    public bool IsDenied { get; init; }
}

/// <summary>One recipient of a waiting message, as listings show it.</summary>
public sealed record QueueEntry
{
    public required string Id { get; init; }
    public required string EnvelopeId { get; init; }
    public required string Sender { get; init; }

    /// <summary>As the client named it.</summary>
    public required string Recipient { get; init; }

    /// <summary>After expansion: an address, a user, a file or a command.</summary>
    public required string Destination { get; init; }

    /// <summary>mta, mda or bounce.</summary>
    public required string Transport { get; init; }

    /// <summary>pending, inflight or hold.</summary>
    public required string State { get; init; }
    public required string Family { get; init; }
    public bool Authenticated { get; init; }
    public long Size { get; init; }
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset Expires { get; init; }
    public DateTimeOffset? LastAttempt { get; init; }
    public DateTimeOffset? NextAttempt { get; init; }
    public int Attempts { get; init; }
    public string Error { get; init; } = "";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlRow))]
[JsonSerializable(typeof(QueueEntry))]
public sealed partial class ControlJson : JsonSerializerContext;
