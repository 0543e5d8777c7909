using System.Globalization;
using System.Text;
using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Secrecy;

/// <summary>That the search finds: each form of a secret is planted, and nothing else.</summary>
public sealed class SecretSearchTests
{
    private static readonly Dictionary<string, byte[]> s_planted = Planted();

    public static TheoryData<string> Forms => [.. s_planted.Keys];

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_planted_secret_is_found_with_file_and_line(string form)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["a/b"]);
        File.WriteAllBytes(folder["a/b/daemon.log"], [.. "first line\nsecond "u8, .. s_planted[form], .. "\nthird\n"u8]);
        SecretFound found = SecretSearch.Folder(folder.Path).First();
        Assert.Equal((folder["a/b/daemon.log"], 2), (found.File, found.Line));
    }

    [Fact]
    public void What_is_no_secret_is_not_found()
    {
        string login = Secrets.Login();
        string harmless = $"""
            login failed: {login}, mechanism SCRAM-SHA-256
            -----BEGIN CERTIFICATE-----
            {Convert.ToBase64String(Encoding.ASCII.GetBytes("CN=" + new string('x', 60)))}
            match from any for domain $domain$ and $6 for $y
            AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256-PLUS c=1
            """;
        Assert.Empty(SecretSearch.Octets("log", Encoding.UTF8.GetBytes(harmless)));
    }

    private static Dictionary<string, byte[]> Planted()
    {
        string password = Secrets.Password();
        string login = Secrets.Login();
        byte[] octets = Encoding.UTF8.GetBytes(password);
        string scram = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        var forms = new Dictionary<string, string>
        {
            ["as it is"] = password,
            ["reversed"] = new string([.. password.Reverse()]),
            ["in a URL"] = "smtps://" + Uri.EscapeDataString(login) + ":" + Uri.EscapeDataString(password) + "@host",
            ["every octet escaped"] = string.Concat(octets.Select(b => "%" + b.ToString("X2", CultureInfo.InvariantCulture))),
            ["hexadecimal"] = Convert.ToHexString(octets),
            ["hexadecimal, small"] = Convert.ToHexStringLower(octets),
            ["a dump"] = BitConverter.ToString(octets),
            ["an array"] = string.Join(", ", octets),
            ["in a C string"] = string.Concat(octets.Select(b => "\\x" + b.ToString("x2", CultureInfo.InvariantCulture))),
            ["AUTH PLAIN"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{login}\0{password}")),
            ["AUTH PLAIN, reversed"] = new string([.. Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{login}\0{password}")).Reverse()]),
            ["AUTH PLAIN with another identity"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login}\0{login}\0{password}")),
            ["AUTH LOGIN, the name"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(login)),
            ["AUTH CRAM-MD5"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(login + " 9134ed12bb37ab3ee0d3f9d3a6ce2f9d")),
            ["SCRAM, first"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"n,,n={login},r=fyko+d2lbbFgONRv9qkxdawL")),
            ["SCRAM, last"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(scram)),
            ["SCRAM, decoded"] = scram,
            ["a SHA-512 hash"] = "$6$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3Ft/KTdRO1fxuAHmcpKC0WvEroSawqOOZGD0ZQzUpN/",
            ["a SHA-512 hash with rounds"] = "$6$rounds=5000$conform$ObiIuW5G6cSndMreaXGN9HveEQ0zjzzMigZGZJAqBMZ3",
            ["a yescrypt hash"] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
            ["a bcrypt hash"] = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            ["a SCRAM verifier"] = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ["a SCRAM verifier as Dovecot keeps it"] = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ["a private key"] = "-----BEGIN PRIVATE KEY-----",
            ["an encrypted private key"] = "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            ["an RSA key"] = "-----BEGIN RSA PRIVATE KEY-----",
        };
        // Whatever stands before it moves the password through base64's groups of three.
        for (int before = 0; before < 3; before++)
            forms[$"base64, moved by {before}"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', before) + password + "tail"));
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        forms["a private key without its frame"] = Convert.ToBase64String(key.ExportPkcs8PrivateKey());
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        forms["an RSA key without its frame"] = Convert.ToBase64String(rsa.ExportPkcs8PrivateKey());
        var all = forms.ToDictionary(f => f.Key, f => Encoding.UTF8.GetBytes(f.Value));
        all["UTF-16"] = Encoding.Unicode.GetBytes(password);
        all["UTF-16, big endian"] = Encoding.BigEndianUnicode.GetBytes(password);
        return all;
    }
}
