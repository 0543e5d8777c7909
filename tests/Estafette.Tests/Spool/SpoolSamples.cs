using System.Collections.Immutable;
using System.Net;
using Estafette.Mail;
using Estafette.Spool;

namespace Estafette.Tests.Spool;

/// <summary>Messages and progress for the spool's tests.</summary>
internal static class SpoolSamples
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static LogSpoolOptions SmallSegments { get; } = new()
    {
        Directory = "",
        SegmentSize = 64 << 10,
        ChunkSize = 4 << 10,
        MinimumFree = 1 << 20,
        SpaceCheckInterval = TimeSpan.FromMilliseconds(20),
    };

    public static Envelope Envelope(MessageId id, int recipients = 1, bool hold = false) => new()
    {
        Id = id,
        Received = Noon,
        ReversePath = new MailAddress("alice", "example.org"),
        Client = new ClientInfo { SessionId = id.Value },
        Recipients = [.. Enumerable.Range(0, recipients).Select(i => Recipient((uint)i))],
        Hold = hold,
    };

    public static Recipient Recipient(uint key) => new()
    {
        Key = key,
        Original = new MailAddress("bob" + key, "example.net"),
        Address = new MailAddress("bob" + key, "example.net"),
        Action = "relay",
        Target = DeliveryTarget.Relay.Instance,
    };

    /// <summary>No property has its default, so that a forgotten one shows.</summary>
    public static Envelope Full(MessageId id) => Envelope(id) with
    {
        Size = 12345,
        Body = BodyType.BinaryMime,
        SmtpUtf8 = true,
        Return = DsnReturn.Headers,
        DsnEnvelopeId = "QQ+2B314",
        Junk = true,
        IsNotification = true,
        Hold = true,
        Received = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.FromHours(-5)),
        Client = new ClientInfo
        {
            SessionId = 0xfedcba9876543210,
            Address = IPAddress.Parse("2001:db8::25"),
            Port = 40000,
            HostName = "client.example.org",
            Helo = "[192.0.2.1]",
            Protocol = "ESMTPSA",
            Login = "älice",
            LocalUid = 1000,
            TlsProtocol = "TLSv1.3",
            TlsCipher = "TLS_AES_256_GCM_SHA384",
            TlsBits = 256,
            Tag = "inbound",
        },
        Recipients =
        [
            Recipient(0xffffffff) with
            {
                Notify = DsnNotify.Success | DsnNotify.Delay,
                DsnOriginalRecipient = "rfc822;bob@example.net",
                ReversePath = new MailAddress("owner-list", "example.org"),
                Detail = "lists",
                NextHop = "[127.0.0.1]:10025",
                Target = new DeliveryTarget.User("bob"),
            },
            Recipient(2) with { Target = new DeliveryTarget.File("/var/mail/bob", "bob", TargetSource.ForwardFile) },
            Recipient(3) with { Target = new DeliveryTarget.Command("exec \"cat\"", "carol", TargetSource.ForwardFile), ReversePath = MailAddress.Null },
        ],
    };

    public static byte[] Body(int length, int seed)
    {
        byte[] body = new byte[length];
        new Random(seed).NextBytes(body);
        return body;
    }

    public static RecipientProgress Deferred(DateTimeOffset due, int attempts = 1) => new()
    {
        Attempts = attempts,
        Due = due,
        Attempted = due.AddHours(-1),
        DelayWarnings = 1,
        MustExpire = true,
        Last = DeliveryOutcome.Deferred(new EnhancedStatus(4, 4, 1), "connection refused", OutcomeScope.NextHop) with
        {
            Peer = "mx.example.net[192.0.2.2]:25",
            Command = "RCPT TO",
            RemoteMta = "mx.example.net",
            ReplyCode = 421,
            DsnHandedOver = true,
        },
    };

    public static RecipientProgress Done { get; } = new() { IsDone = true, Last = DeliveryOutcome.Delivered() };

    public static SpoolUpdate Update(MessageId id, int recipient, RecipientProgress progress, bool release = false) =>
        new(id) { Progress = [(recipient, progress)], Release = release };

    public static async Task<MessageId> CommitAsync(ISpool spool, byte[] body, int recipients = 1, bool lease = false, bool hold = false)
    {
        await using ISpoolWriter writer = spool.Begin();
        Assert.Equal(SpoolStatus.Ok, await writer.WriteAsync(body, default));
        Assert.Equal(SpoolStatus.Ok, await writer.CommitAsync(Envelope(writer.Id, recipients, hold), lease, null, default));
        return writer.Id;
    }

    public static async Task<byte[]?> ReadAsync(ISpool spool, MessageId id)
    {
        using SpoolBody? body = await spool.OpenBodyAsync(id, default);
        if (body is null)
            return null;
        byte[] octets = new byte[body.Length];
        int offset = 0;
        while (offset < octets.Length)
        {
            int count = await body.ReadAsync(offset, octets.AsMemory(offset, Math.Min(5000, octets.Length - offset)), default);
            Assert.NotEqual(0, count);
            offset += count;
        }
        Assert.Equal(0, await body.ReadAsync(offset, new byte[1], default));
        return octets;
    }

    public static async Task<List<SpooledMessage>> ScanAsync(ISpool spool)
    {
        var all = new List<SpooledMessage>();
        await foreach (SpooledMessage message in spool.ScanAsync(default))
            all.Add(message);
        return all;
    }

    public static async Task<LogSpool> OpenAsync(SimulatedDisk disk, LogSpoolOptions? options = null) =>
        (await TryOpenAsync(disk, options)).Spool ?? throw new InvalidOperationException("The spool refused to open.");

    public static Task<SpoolOpening> TryOpenAsync(SimulatedDisk disk, LogSpoolOptions? options = null) =>
        LogSpool.OpenAsync(disk.Mount(), options ?? SmallSegments, TimeProvider.System, null);

    /// <summary>Waits for a condition with a deadline.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + 10_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "The condition did not come true in 10 seconds.");
            await Task.Delay(5);
        }
    }

    public static void AssertSame(Envelope expected, Envelope actual)
    {
        Assert.Equal(expected with { Recipients = [] }, actual with { Recipients = [] });
        Assert.Equal<Recipient>([.. expected.Recipients], [.. actual.Recipients]);
    }

    public static ImmutableArray<T> Each<T>(params T[] items) => [.. items];
}
