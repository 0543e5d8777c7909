using System.Text;
using Estafette.Config.Model;
using Estafette.Delivery.Remote;

namespace Estafette.Tests.Delivery.Remote;

/// <summary>Next hops as transport(5), smtp(8) and lmtp(8) write them, and addresses as generic(5) changes them.</summary>
public sealed class NextHopTextTests
{
    [Theory]
    [InlineData("far.test", "far.test:0 mx")]
    [InlineData("[far.test]", "far.test:0")]
    [InlineData("[far.test]:587", "far.test:587")]
    [InlineData("far.test:submission", "far.test:587 mx")]
    [InlineData("[127.0.0.1]:10025", "127.0.0.1:10025")]
    [InlineData("127.0.0.1:10025", "127.0.0.1:10025 mx")]
    [InlineData("[IPv6:2001:db8::1]:25", "IPv6:2001:db8::1:25")]
    [InlineData("[2001:db8::1]", "2001:db8::1:0")]
    [InlineData("[a.test]:25, b.test", "a.test:25;b.test:0 mx")]
    public void For_SMTP(string text, string expected) => Assert.Equal(expected, Show(text, RelayProtocol.Smtp));

    [Theory]
    [InlineData("unix:/var/run/lmtp", "/var/run/lmtp:0")]
    [InlineData("unix:private/dovecot-lmtp", "/var/spool/postfix/private/dovecot-lmtp:0")]
    [InlineData("inet:mail.test:24", "mail.test:24")]
    [InlineData("inet:[127.0.0.1]:2424", "127.0.0.1:2424")]
    [InlineData("mail.test", "mail.test:0")]
    public void For_LMTP_a_host_never_means_its_MX(string text, string expected) => Assert.Equal(expected, Show(text, RelayProtocol.Lmtp));

    [Theory]
    [InlineData("[far.test")]
    [InlineData("[]:25")]
    [InlineData("far.test:nosuchservice")]
    [InlineData("far.test:99999")]
    [InlineData(":25")]
    [InlineData("")]
    public void What_is_none_says_why(string text)
    {
        Assert.Empty(NextHopText.Read(text, RelayProtocol.Smtp, out string? problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public async Task Generic_maps_change_addresses_of_the_header_and_leave_the_rest_as_it_is()
    {
        const string message = "From: Me <me@local.test>\r\nTo: you@far.test,\r\n other@far.test\r\nSubject: me@local.test\r\nX-From: me@local.test\r\n\r\nme@local.test\r\n";
        (GenericMessage? changed, string? trouble) = await GenericMessage.OfAsync(new TestBody(Encoding.ASCII.GetBytes(message)), Outside, CancellationToken.None);
        Assert.Null(trouble);
        byte[] octets = new byte[changed!.Length];
        for (int read = 0; read < octets.Length;)
            read += await changed.ReadAsync(read, octets.AsMemory(read, Math.Min(7, octets.Length - read)), CancellationToken.None);
        Assert.Equal(message.Replace("<me@local.test>", "<me@outside.test>", StringComparison.Ordinal), Encoding.ASCII.GetString(octets));
        (changed, _) = await GenericMessage.OfAsync(new TestBody("From: a@b.test\r\n\r\nx\r\n"u8.ToArray()), Outside, CancellationToken.None);
        Assert.Null(changed);
        (_, trouble) = await GenericMessage.OfAsync(new TestBody("From: trouble@b.test\r\n\r\nx\r\n"u8.ToArray()), Outside, CancellationToken.None);
        Assert.Equal("cannot be read", trouble);

        static ValueTask<RelayTableAnswer> Outside(string address, CancellationToken cancellationToken) => ValueTask.FromResult(address switch
        {
            "me@local.test" => new RelayTableAnswer("me@outside.test"),
            "trouble@b.test" => new RelayTableAnswer(null, "cannot be read"),
            _ => default,
        });
    }

    private static string Show(string text, RelayProtocol protocol) =>
        string.Join(';', NextHopText.Read(text, protocol, out _).Select(h => $"{h.Host}:{h.Port}{(h.NoMx || h.Host.StartsWith('/') ? "" : " mx")}"));
}
