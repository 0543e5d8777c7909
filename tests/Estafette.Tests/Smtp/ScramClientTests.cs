using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

/// <summary>The client's side of SCRAM against RFC 7677's example, against our own server, and against servers that lie.</summary>
public sealed class ScramClientTests
{
    private const string Nonce = "rOprNGfwEbeRWgbNEkqO";
    private const string ServerFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    private static readonly SaslCredentials s_pencil = new("user", "pencil");

    [Fact]
    public void The_example_of_RFC_7677_s3()
    {
        ScramClient client = Pencil();
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", client.First());
        Assert.Equal("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", client.Answer(ServerFirst));
        Assert.False(client.IsProven);
        Assert.Equal("", client.Answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        Assert.True(client.IsProven);
    }

    [Theory]
    [InlineData("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "could not prove")]
    [InlineData("v=", "could not prove")]
    [InlineData("v=****", "could not prove")]
    [InlineData("", "could not prove")]
    [InlineData("e=invalid-proof", "invalid-proof")]
    public void A_server_that_cannot_prove_that_it_knows_the_password_is_told_apart(string final, string fault)
    {
        ScramClient client = Pencil();
        client.Answer(ServerFirst);
        Assert.Null(client.Answer(final));
        Assert.False(client.IsProven);
        Assert.Contains(fault, client.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("pencil", client.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999")]
    [InlineData("r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096")]
    [InlineData("m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("")]
    public void E10_a_first_message_out_of_bounds_ends_the_exchange_without_a_proof(string message)
    {
        ScramClient client = Pencil();
        Assert.Null(client.Answer(message));
        Assert.NotNull(client.Fault);
        Assert.Null(client.Answer(ServerFirst));
        Assert.False(client.IsProven);
    }

    [Fact]
    public void It_logs_in_at_our_own_server_whatever_login_and_password_and_with_binding()
    {
        Gen<string> words = Gen.Elements("a", "user", "x=y", "p,q", "Gr\u00fc\u00dfe", "pa:ss", "\u4f60\u597d", "tab less", "=2C", "long" + new string('z', 200));
        Prop.ForAll(words.ToArbitrary(), words.ToArbitrary(), (login, password) =>
        {
            foreach (bool plus in (bool[])[false, true])
            {
                Assert.True(LogsIn(login, password, password, plus, [1, 2, 3], [1, 2, 3]));
                Assert.False(LogsIn(login, password, password + "x", plus, [1, 2, 3], [1, 2, 3]));
            }
            // Somebody in the middle has another certificate.
            Assert.False(LogsIn(login, password, password, true, [1, 2, 3], [1, 2, 4]));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_server_that_offered_PLUS_learns_that_somebody_took_it_away()
    {
        var server = new ScramServer(false, new ChannelBindings { ServerEndPoint = [1] }) { OfferedPlus = true };
        var client = new ScramClient(s_pencil, null, couldBind: true);
        Assert.StartsWith("y,,", client.First(), StringComparison.Ordinal);
        Assert.IsType<SaslStep.Malformed>(server.Feed(Encoded(client.First())));
    }

    [Fact]
    public void No_octets_of_a_server_make_it_throw_or_prove_anything()
    {
        Prop.ForAll<string?>(message =>
        {
            ScramClient client = Pencil();
            client.Answer(message ?? "");
            client.Answer(message ?? "");
            Assert.False(client.IsProven);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN", true, true, true, "SCRAM-SHA-256-PLUS")]
    [InlineData("SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN", true, true, false, "SCRAM-SHA-256")]
    [InlineData("CRAM-MD5 PLAIN LOGIN", true, true, true, "PLAIN")]
    [InlineData("CRAM-MD5 LOGIN", true, true, true, "LOGIN")]
    [InlineData("CRAM-MD5", true, true, true, "CRAM-MD5")]
    [InlineData("CRAM-MD5 PLAIN", true, false, true, "CRAM-MD5")]
    [InlineData("CRAM-MD5 PLAIN LOGIN", false, false, false, "CRAM-MD5")]
    [InlineData("PLAIN LOGIN", true, false, true, null)]
    [InlineData("PLAIN LOGIN", false, false, false, null)]
    [InlineData("PLAIN", false, true, false, "PLAIN")]
    [InlineData("XOAUTH2", true, true, true, null)]
    public void E9_the_strongest_mechanism_that_the_connection_allows_is_chosen(string offered, bool encrypted, bool password, bool binding, string? expected)
    {
        EhloCapabilities capabilities = EhloCapabilities.Read(Encoding.ASCII.GetBytes($"250-peer.test\r\n250 AUTH {offered}\r\n"));
        var channel = new SaslChannel(encrypted, password) { EndPoint = binding ? [1] : null };
        Assert.Equal(expected, SaslClient.Choose(capabilities.Mechanisms, s_pencil, channel)?.Name);
    }

    private static ScramClient Pencil() => new(s_pencil, null, couldBind: false, Nonce);

    private static bool LogsIn(string login, string known, string given, bool plus, byte[] seen, byte[] shown)
    {
        var server = new ScramServer(plus, new ChannelBindings { ServerEndPoint = shown });
        SaslClient client = SaslClient.Choose(plus ? SaslMechanisms.ScramSha256Plus : SaslMechanisms.ScramSha256, new SaslCredentials(login, given), new SaslChannel(true, false) { EndPoint = plus ? seen : null })!;
        string line = client.Begin().Split(' ')[2];
        if (server.Feed(Encoding.ASCII.GetBytes(line)) is not SaslStep.NeedsVerifier asked)
            return false;
        Assert.Equal(login, asked.Login);
        var challenge = (SaslStep.Challenge)server.Provide(ScramVerifier.Create(Encoding.UTF8.GetBytes(known), 4096)!, true);
        if (server.Feed(Encoding.ASCII.GetBytes(client.Answer(challenge.Base64)!)) is not SaslStep.Challenge last)
            return false;
        return client.Answer(last.Base64) is { } end && client.ServerIsProven && server.Feed(Encoding.ASCII.GetBytes(end)) is SaslStep.Proven;
    }

    private static byte[] Encoded(string text) => Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(text)));
}
