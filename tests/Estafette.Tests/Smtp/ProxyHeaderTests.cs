using System.Buffers;
using System.Text;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO", "192.0.2.1:1234")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 1234 25\r\n", "[2001:db8::1]:1234")]
    [InlineData("PROXY UNKNOWN whatever\r\n", null)]
    public void E49_version_1(string text, string? source)
    {
        for (int length = 0; length < text.IndexOf('\n', StringComparison.Ordinal) + 1; length++)
            Assert.Equal(ProxyStatus.More, Take(text[..length]).Status);
        Assert.Equal((ProxyStatus.Ok, source, text.IndexOf('\n', StringComparison.Ordinal) + 1L), Take(text));
    }

    [Theory]
    [InlineData("EHLO client.test\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1\r\n")]
    [InlineData("PROXY TCP4 x y 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2 99999 25\r\n")]
    public void E49_what_is_no_header_is_refused(string text) => Assert.Equal(ProxyStatus.Invalid, Take(text).Status);

    [Fact]
    public void E49_version_1_is_bounded() => Assert.Equal(ProxyStatus.Invalid, Take("PROXY " + new string('x', 200)).Status);

    [Fact]
    public void E49_version_2()
    {
        string header = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\0\x19";
        for (int length = 0; length < header.Length; length++)
            Assert.Equal(ProxyStatus.More, Take(header[..length]).Status);
        Assert.Equal((ProxyStatus.Ok, "192.0.2.1:1234", 28L), Take(header + "EHLO"));
        Assert.Equal(ProxyStatus.Invalid, Take(header.Replace("\x21\x11\0\x0c", "\x21\x11\0\x02", StringComparison.Ordinal)).Status);
        Assert.Equal(ProxyStatus.Invalid, Take(header.Replace("\x21\x11", "\x31\x11", StringComparison.Ordinal)).Status);
    }

    private static (ProxyStatus Status, string? Source, long Used) Take(string text)
    {
        var input = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text));
        ProxyStatus status = ProxyHeader.TryTake(input, out ProxyHeader header, out SequencePosition next);
        return (status, header.Source?.ToString(), input.Slice(0, next).Length);
    }
}
