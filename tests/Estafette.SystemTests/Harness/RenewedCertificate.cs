using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Tests.Delivery.Remote;

namespace Estafette.SystemTests.Harness;

/// <summary>
/// A certificate for mx.test that is renewed as programs do it: <c>live/</c> holds links to numbered files in <c>archive/</c> (Let's Encrypt), or the files themselves,
/// replaced by renaming. The folder is 0700 and the keys 0600, owned by whoever runs the tests.
/// </summary>
internal sealed class RenewedCertificate
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _folder;
    private int _number;

    public RenewedCertificate(string folder)
    {
        _folder = folder;
        foreach (string name in (string[])["", "live", "archive"])
            Directory.CreateDirectory(Path.Combine(folder, name), Private | UnixFileMode.UserExecute);
    }

    public string Certificate => Path.Combine(_folder, "live", "fullchain.pem");
    public string Key => Path.Combine(_folder, "live", "privkey.pem");

    /// <summary>Who owns what is written from now on, as chown writes it; null for whoever runs the tests.</summary>
    public string? Owner { get; set; }

    /// <summary>The lines of a configuration.</summary>
    public string Pki => $"pki mx.test cert \"{Certificate}\"\npki mx.test key \"{Key}\"\n";

    /// <summary>A new pair behind two links; returns its SHA-256.</summary>
    public async Task<string> RenewByLinkAsync()
    {
        (string certificate, string key, string fingerprint) = Make();
        string suffix = ++_number + ".pem";
        await PutAsync(Path.Combine(_folder, "archive", "privkey" + suffix), key);
        await PutAsync(Path.Combine(_folder, "archive", "fullchain" + suffix), certificate);
        await LinkAsync("privkey", suffix);
        await LinkAsync("fullchain", suffix);
        return fingerprint;
    }

    /// <summary>A new pair, each file renamed over the old one; returns its SHA-256.</summary>
    public async Task<string> RenewByRenameAsync()
    {
        string fingerprint = await ReplaceCertificateAsync(out string key);
        await ReplaceAsync(Key, key);
        return fingerprint;
    }

    /// <summary>Only the certificate of a new pair; <paramref name="key"/> belongs to it.</summary>
    public Task<string> ReplaceCertificateAsync(out string key)
    {
        (string certificate, key, string fingerprint) = Make();
        return ReplaceAsync(Certificate, certificate).ContinueWith(_ => fingerprint, TaskScheduler.Default);
    }

    public async Task ReplaceAsync(string path, string text)
    {
        await PutAsync(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static (string Certificate, string Key, string Fingerprint) Make()
    {
        using X509Certificate2 made = ScriptedPeer.NewCertificate("mx.test");
        return (made.ExportCertificatePem(), made.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), made.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
    }

    private async Task PutAsync(string path, string text)
    {
        await File.WriteAllTextAsync(path, text);
        File.SetUnixFileMode(path, Private);
        if (Owner is not null)
            await Command.RunAsync("/bin/chown", [Owner, path]);
    }

    private async Task LinkAsync(string name, string suffix)
    {
        string link = Path.Combine(_folder, "live", name + ".pem");
        File.Delete(link + ".new");
        File.CreateSymbolicLink(link + ".new", $"../archive/{name}{suffix}");
        if (Owner is not null)
            await Command.RunAsync("/bin/chown", ["-h", Owner, link + ".new"]);
        File.Move(link + ".new", link, overwrite: true);
    }
}
