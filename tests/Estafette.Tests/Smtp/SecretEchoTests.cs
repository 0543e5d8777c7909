using System.Text;
using Estafette.Smtp;

namespace Estafette.Tests.Smtp;

/// <summary>E54: what a server repeats of our password is told to nobody.</summary>
public sealed class SecretEchoTests
{
    private static readonly SaslCredentials s_credentials = new("user@provider.test", "p:w %x+Y7 gr\u00fc\u00df");

    public static TheoryData<string> Echoes =>
    [
        s_credentials.Password,
        Uri.EscapeDataString(s_credentials.Password),
        "https://user:" + Uri.EscapeDataString(s_credentials.Password) + "@provider.test/",
        Uri.EscapeDataString(s_credentials.Password).ToLowerInvariant(),
        Base64(s_credentials.Password),
        Base64("\0user@provider.test\0" + s_credentials.Password),
        Base64("x\0user@provider.test\0" + s_credentials.Password),
        Base64("xy\0user@provider.test\0" + s_credentials.Password),
        "<" + Base64(s_credentials.Password + "tail") + ">",
        Convert.ToHexString(Encoding.UTF8.GetBytes(s_credentials.Password)),
        Convert.ToHexStringLower(Encoding.UTF8.GetBytes(s_credentials.Password)),
    ];

    [Theory]
    [MemberData(nameof(Echoes))]
    public void An_echo_is_hidden_with_its_word_and_the_rest_is_told(string echo)
    {
        Assert.Equal("535 5.7.8 refused: (hidden) and (hidden)\n(hidden)", SecretEcho.Hide($"535 5.7.8 refused: {echo} and {echo}\n{echo}", s_credentials));
    }

    [Theory]
    [InlineData("535 5.7.8 Username and Password not accepted")]
    [InlineData("")]
    public void Other_text_stays(string text) => Assert.Equal(text, SecretEcho.Hide(text, s_credentials));

    [Fact]
    public void A_very_short_password_hides_nothing() => Assert.Equal("535 abc", SecretEcho.Hide("535 abc", new SaslCredentials("u", "abc")));

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
