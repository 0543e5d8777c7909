namespace Estafette.Smtpd.Auth;

/// <summary>What one line of an exchange came to.</summary>
internal abstract record AuthStep
{
    private AuthStep() { }

    /// <summary>Send <c>334</c> with this and feed the answer.</summary>
    public sealed record Challenge(string Base64) : AuthStep
    {
        public override string ToString() => "challenge";
    }

    public sealed record Succeeded(string Login) : AuthStep;

    /// <summary>A wrong password, an unknown or locked login: nobody is told which. The login is null where it is not known.</summary>
    public sealed record Failed(string? Login) : AuthStep;

    /// <summary>Nobody can say now: 454, never 535 (E44). The reason is for the log.</summary>
    public sealed record Unavailable(string Reason) : AuthStep;

    /// <summary>The client broke the rules of the mechanism.</summary>
    public sealed record Malformed : AuthStep
    {
        public static Malformed Instance { get; } = new();
    }

    /// <summary>The client sent <c>*</c> (RFC 4954 s4).</summary>
    public sealed record Cancelled : AuthStep
    {
        public static Cancelled Instance { get; } = new();
    }
}

/// <summary>One exchange with one client. Disposing it gives up what is still open of it.</summary>
internal abstract class AuthExchange : IDisposable
{
    /// <summary>Takes a line of the client; null at the start, where the client gave no initial response.</summary>
    public abstract ValueTask<AuthStep> TakeAsync(ReadOnlyMemory<byte>? line, CancellationToken cancellationToken);

    public virtual void Dispose()
    {
    }
}
