using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using global::Estafette.Smtp;

namespace Estafette.Tests.Smtp;

public sealed class ScramServerTests
{
    private const string Vector = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    private static readonly ScramVerifier s_verifier = ScramVerifier.Create("pencil"u8, Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)!;
    private static readonly ChannelBindings s_bindings = new() { Exporter = [1, 2, 3], ServerEndPoint = [4, 5, 6] };

    [Fact]
    public void The_example_of_RFC_7677_s3()
    {
        var server = new ScramServer(false, ChannelBindings.None, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        Assert.Equal("user", Assert.IsType<SaslStep.NeedsVerifier>(Feed(server, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")).Login);
        Assert.Equal("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", Text(server.Provide(s_verifier, true)));
        Assert.Equal("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            Text(Feed(server, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")));
        Assert.Equal("user", Assert.IsType<SaslStep.Proven>(server.Feed(""u8)).Login);
        Assert.IsType<SaslStep.Malformed>(server.Feed(""u8));
    }

    [Fact]
    public void Both_stored_forms_are_read_and_a_password_in_clear_is_checked_against_them()
    {
        Assert.Equal(Vector, s_verifier.ToStoredText());
        string dovecot = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        foreach (string stored in (string[])[Vector, dovecot])
        {
            Assert.True(ScramVerifier.TryParse(stored, out ScramVerifier? verifier));
            Assert.True(verifier.Fits("pencil"u8));
            Assert.False(verifier.Fits("pencils"u8));
            Assert.DoesNotContain("WG5d", verifier.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$2000000000:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$")]
    [InlineData("{SCRAM-SHA-256}1,2")]
    [InlineData("$6$salt$hash")]
    public void E10_a_row_that_is_broken_or_would_burn_the_cpu_is_none(string stored) => Assert.False(ScramVerifier.TryParse(stored, out _));

    [Theory]
    [InlineData("n,,n=user,r=abc", true)]
    [InlineData("y,,n=user,r=abc", true)]
    [InlineData("n,a=user,n=user,r=abc", true)]
    [InlineData("n,,n=us=2Cer=3D,r=abc", true)]
    [InlineData("n,,n=user,r=abc,x=future", true)]
    [InlineData("n,a=boss,n=user,r=abc", false)]
    [InlineData("n,,n=us=er,r=abc", false)]
    [InlineData("n,,n=,r=abc", false)]
    [InlineData("n,,n=user,r=", false)]
    [InlineData("n,,n=user,r=a b", false)]
    [InlineData("n,,n=user", false)]
    [InlineData("n,,m=must,n=user,r=abc", false)]
    [InlineData("n,,n=user,r=abc,m=must", false)]
    [InlineData("p=tls-exporter,,n=user,r=abc", false)]
    [InlineData("n,,n=us\u0007er,r=abc", false)]
    [InlineData("n=user,r=abc", false)]
    [InlineData("", false)]
    public void The_first_message_is_read_strictly(string message, bool good) =>
        Assert.Equal(good ? typeof(SaslStep.NeedsVerifier) : typeof(SaslStep.Malformed), Feed(new ScramServer(false, ChannelBindings.None), message).GetType());

    [Theory]
    [InlineData("p=tls-exporter", true)]
    [InlineData("p=tls-server-end-point", true)]
    [InlineData("p=tls-unique", false)]
    [InlineData("p=", false)]
    [InlineData("n", false)]
    [InlineData("y", false)]
    public void Plus_takes_the_bindings_this_connection_has(string flag, bool good) =>
        Assert.Equal(good, Feed(new ScramServer(true, s_bindings), flag + ",,n=user,r=abc") is SaslStep.NeedsVerifier);

    [Fact]
    public void RFC5802_s6_a_client_that_saw_no_PLUS_where_it_was_offered_has_been_lied_to() =>
        Assert.IsType<SaslStep.Malformed>(Feed(new ScramServer(false, ChannelBindings.None) { OfferedPlus = true }, "y,,n=user,r=abc"));

    [Theory]
    [InlineData("tls-exporter", new byte[] { 1, 2, 3 }, true)]
    [InlineData("tls-exporter", new byte[] { 1, 2, 4 }, false)]
    [InlineData("tls-server-end-point", new byte[] { 4, 5, 6 }, true)]
    [InlineData("tls-server-end-point", new byte[] { 1, 2, 3 }, false)]
    public void Somebody_in_the_middle_has_other_channel_bindings(string name, byte[] data, bool good)
    {
        var server = new ScramServer(true, s_bindings);
        Assert.Equal(good, Run(server, new Client("pencil") { Header = $"p={name},,", Binding = data }, s_verifier, true) is SaslStep.Challenge);
    }

    [Fact]
    public void E10_a_made_up_verifier_is_stable_and_never_fits()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(32);
        ScramVerifier first = ScramVerifier.Imaginary("nobody", secret, s_verifier);
        Assert.True(first.Salt.SequenceEqual(ScramVerifier.Imaginary("nobody", secret, s_verifier).Salt));
        Assert.False(first.Salt.SequenceEqual(ScramVerifier.Imaginary("nobodi", secret, s_verifier).Salt));
        // Rows are found in any case of ASCII letters: so is who is not there, or asking twice would tell.
        Assert.True(first.Salt.SequenceEqual(ScramVerifier.Imaginary("NoBody", secret, s_verifier).Salt));
        Assert.False(ScramVerifier.Imaginary("\u00fcxyz", secret, s_verifier).Salt.SequenceEqual(ScramVerifier.Imaginary("\u00fcabc", secret, s_verifier).Salt));
        ScramVerifier salty = ScramVerifier.Create("x"u8, RandomNumberGenerator.GetBytes(100), 4096)!;
        Assert.Equal(100, ScramVerifier.Imaginary("nobody", secret, salty).Salt.Length);
        Assert.Equal((s_verifier.Iterations, s_verifier.Salt.Length), (first.Iterations, first.Salt.Length));
        Assert.IsType<SaslStep.Refused>(Run(new ScramServer(false, ChannelBindings.None), new Client("pencil"), first, false));
        Assert.IsType<SaslStep.Refused>(Run(new ScramServer(false, ChannelBindings.None), new Client("pencil"), s_verifier, false));
    }

    [Fact]
    public void Any_password_logs_in_and_no_other_one_does()
    {
        Gen<string> passwords = Gen.Elements("abc =,\u00e4\u00f1\u4e2d\u00a0\u00adX9~".ToCharArray()).NonEmptyListOf().Select(c => new string([.. c.Take(6)]));
        Prop.ForAll(passwords.ToArbitrary(), passwords.ToArbitrary(), (right, tried) =>
        {
            if (ScramVerifier.Create(Encoding.UTF8.GetBytes(right), [1, 2, 3], 4096) is not { } verifier || !SaslPrep.TryPrepare(Encoding.UTF8.GetBytes(tried), out byte[] prepared))
                return true;
            SaslPrep.TryPrepare(Encoding.UTF8.GetBytes(right), out byte[] own);
            return Run(new ScramServer(false, ChannelBindings.None), new Client(tried), verifier, true) is SaslStep.Challenge == own.AsSpan().SequenceEqual(prepared);
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    [Fact]
    public void A_message_changed_in_any_place_never_logs_in() =>
        Prop.ForAll(Gen.Choose(0, 200).ToArbitrary(), Gen.Choose(1, 255).ToArbitrary(), (at, flip) =>
        {
            var server = new ScramServer(false, ChannelBindings.None);
            var client = new Client("pencil");
            Feed(server, client.First);
            string final = client.Final(Text(server.Provide(s_verifier, true)));
            byte[] octets = Encoding.ASCII.GetBytes(final);
            octets[at % octets.Length] ^= (byte)flip;
            SaslStep step = server.Feed(Encoding.ASCII.GetBytes(Convert.ToBase64String(octets)));
            // Base64 has unused bits and takes blanks: what decodes to the same octets is the same message only in the proof, which the transcript does not hold.
            return step is SaslStep.Malformed or SaslStep.Refused || at % octets.Length > final.LastIndexOf(",p=", StringComparison.Ordinal);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Garbage_and_the_wrong_order_never_log_in_and_never_throw()
    {
        var client = new Client("pencil");
        string[] pieces = [client.First, "c=biws,r=abc,p=AAAA", "", "n,,n=user,r=abc", "c=biws", ",,,,", "\0", "p=tls-exporter,,n=user,r=x", "r=", "e=other-error"];
        Prop.ForAll(Gen.Elements(pieces).ListOf().ToArbitrary(), list =>
        {
            var server = new ScramServer(list.Count % 2 == 0, s_bindings);
            foreach (string piece in list)
            {
                SaslStep step = Feed(server, piece);
                if (step is SaslStep.NeedsVerifier)
                    step = server.Provide(s_verifier, true);
                if (step is SaslStep.Proven or SaslStep.Claim)
                    return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("I\u00adX", "IX")]
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("\u00aa", "a")]
    [InlineData("a\u00a0b", "a b")]
    [InlineData("\uff41\uff42", "ab")]
    [InlineData("\u0007", null)]
    [InlineData("\u0627\u0031", null)]
    [InlineData("\u0627x\u0628", null)]
    [InlineData("\u2168", null)]
    [InlineData("e\u0301", null)]
    [InlineData("\ue000", null)]
    [InlineData("", null)]
    public void Text_is_prepared_or_refused(string text, string? prepared)
    {
        bool good = SaslPrep.TryPrepare(Encoding.UTF8.GetBytes(text), out byte[] octets);
        Assert.Equal((prepared is not null, prepared ?? ""), (good, Encoding.UTF8.GetString(octets)));
    }

    [Fact]
    public void Nothing_makes_the_preparation_throw() =>
        Prop.ForAll<byte[]>(octets => SaslPrep.TryPrepare(octets, out byte[] prepared) == (prepared.Length > 0)).QuickCheckThrowOnFailure();

    private static SaslStep Run(ScramServer server, Client client, ScramVerifier verifier, bool exists)
    {
        Assert.IsType<SaslStep.NeedsVerifier>(Feed(server, client.First));
        SaslStep step = Feed(server, client.Final(Text(server.Provide(verifier, exists))));
        if (step is SaslStep.Challenge)
            Assert.IsType<SaslStep.Proven>(server.Feed(""u8));
        return step;
    }

    private static SaslStep Feed(SaslServer server, string text) => server.Feed(Encoding.ASCII.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(text))));

    private static string Text(SaslStep step) => Encoding.UTF8.GetString(Convert.FromBase64String(Assert.IsType<SaslStep.Challenge>(step).Base64));

    /// <summary>The other side, written down from RFC 5802 s3 on its own.</summary>
    internal sealed record Client(string Password)
    {
        public string Header { get; init; } = "n,,";
        public string Login { get; init; } = "user";
        public byte[] Binding { get; init; } = [];
        public string First => $"{Header}n={Login},r=clientnonce";

        public string Final(string serverFirst)
        {
            string[] parts = serverFirst.Split(',');
            SaslPrep.TryPrepare(Encoding.UTF8.GetBytes(Password), out byte[] prepared);
            byte[] salted = Rfc2898DeriveBytes.Pbkdf2(prepared, Convert.FromBase64String(parts[1][2..]), int.Parse(parts[2][2..], null), HashAlgorithmName.SHA256, 32);
            byte[] clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
            string withoutProof = $"c={Convert.ToBase64String([.. Encoding.UTF8.GetBytes(Header), .. Binding])},{parts[0]}";
            byte[] signature = HMACSHA256.HashData(SHA256.HashData(clientKey), Encoding.UTF8.GetBytes($"n={Login},r=clientnonce,{serverFirst},{withoutProof}"));
            return withoutProof + ",p=" + Convert.ToBase64String([.. clientKey.Zip(signature, (a, b) => (byte)(a ^ b))]);
        }
    }
}
