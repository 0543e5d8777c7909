namespace Estafette.Delivery.Remote;

/// <summary>How long the sending side waits for what (RFC 5321 s4.5.3.2 names the least values of a client). Tests use shorter ones.</summary>
public sealed record RelayTimeouts
{
    public static RelayTimeouts Default { get; } = new();

    /// <summary>For one address; the next is tried afterwards.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>RFC 5321 s4.5.3.2.1.</summary>
    public TimeSpan Greeting { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan Hello { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan TlsHandshake { get; init; } = TimeSpan.FromMinutes(1);
    public TimeSpan Authentication { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>RFC 5321 s4.5.3.2.2.</summary>
    public TimeSpan Mail { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>RFC 5321 s4.5.3.2.3.</summary>
    public TimeSpan Recipient { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>RFC 5321 s4.5.3.2.4.</summary>
    public TimeSpan DataInitiation { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For each piece that is written (RFC 5321 s4.5.3.2.5).</summary>
    public TimeSpan DataBlock { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>The longest wait of all: whoever gives up here sends the message twice (RFC 5321 s4.5.3.2.6).</summary>
    public TimeSpan DataTermination { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For the answer to QUIT, which changes nothing any more.</summary>
    public TimeSpan Quit { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long an open connection waits for its lane's next message.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>With what the configuration says of an action.</summary>
    public RelayTimeouts Of(Config.Model.RelayPatience? patience) => patience is null ? this : this with
    {
        Connect = patience.Connect,
        Greeting = patience.Hello,
        Hello = patience.Hello,
        TlsHandshake = patience.StartTls,
        Mail = patience.Mail,
        Recipient = patience.Recipient,
        DataInitiation = patience.DataInitiation,
        DataBlock = patience.DataBlock,
        DataTermination = patience.DataTermination,
        // Nobody waits minutes for a goodbye.
        Quit = patience.Quit < Quit ? patience.Quit : Quit,
    };
}
