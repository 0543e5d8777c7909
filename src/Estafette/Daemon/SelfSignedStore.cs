using System.Collections.Immutable;
using System.Text;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Smtpd;
using Microsoft.Win32.SafeHandles;

namespace Estafette.Program.Daemon;

/// <summary>
/// The certificates that the server makes itself (<c>pki NAME self-signed</c>): one file each in the state folder, certificate and key together, so that it is replaced in one
/// step; mode 0600. Made where it is missing, near its end, or for another host name. A file that cannot be written is told, and the listener goes without.
/// </summary>
internal sealed class SelfSignedStore(DaemonUser? owner, TimeProvider clock)
{
    private const int LargestFile = 64 * 1024;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gives the certificates of a configuration their place.</summary>
    public static MailConfig Place(MailConfig config, StateFolder state) => config with
    {
        Identities = config.Identities.ToImmutableDictionary(i => i.Key, i => i.Value.SelfSigned ? Placed(i.Value, state) : i.Value, config.Identities.KeyComparer),
    };

    /// <summary>Makes what is missing. What was made, or why it could not be, comes back in words.</summary>
    public ImmutableArray<string> Ensure(MailConfig config)
    {
        var told = ImmutableArray.CreateBuilder<string>();
        foreach (IdentityConfig identity in config.Identities.Values.Where(i => i.SelfSigned))
        {
            string[] names = [.. Names(config, identity).Distinct(StringComparer.OrdinalIgnoreCase)];
            try
            {
                string? before = ReadOwn(identity.KeyFile);
                if (before is not null && SelfSignedCertificate.IsGood(before, names, clock.GetUtcNow()))
                    continue;
                Write(identity.KeyFile, SelfSignedCertificate.Create(names, clock.GetUtcNow()));
                told.Add($"pki {identity.Name}: a self-signed certificate for {string.Join(", ", names)} was {(before is null ? "made" : "made anew")} ({identity.KeyFile}):"
                    + " it encrypts, but proves to nobody who this server is");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                told.Add($"pki {identity.Name}: no self-signed certificate could be made: {e.Message}");
            }
        }
        return told.ToImmutable();
    }

    private static IEnumerable<string> Names(MailConfig config, IdentityConfig identity) =>
        ((string[])[config.HostName]).Concat(config.Listeners.Where(l => l.Identities.Contains(identity.Name)).Select(l => l.HostName))
            .Concat(identity.Name.Contains('.', StringComparison.Ordinal) ? [identity.Name] : []);

    private static IdentityConfig Placed(IdentityConfig identity, StateFolder state)
    {
        // The name is the administrator's, but it must not lead out of the folder.
        string name = identity.Name == "*" ? "default" : string.Concat(identity.Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (c == '.' && identity.Name[0] != '.') ? c : '_'));
        string file = Path.Combine(state.Certificates, name + ".pem");
        return identity with { CertificateFile = file, KeyFile = file };
    }

    /// <summary>Null where there is none, and for what this server did not make: root reads no link or pipe that lies in the daemon's folder.</summary>
    private static string? ReadOwn(string path) =>
        FileStamp.TryReadItself(path, out FileStamp stamp, out _) && stamp.IsRegular && stamp.Size < LargestFile ? RegularFile.ReadText(path, LargestFile) : null;

    /// <summary>By way of a new file, which no link can lead elsewhere: root may be writing into the daemon's folder.</summary>
    private void Write(string path, string pem)
    {
        string temporary = path + "." + Guid.NewGuid().ToString("N");
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                if (Native.ChangeMode(file, (uint)Private) != 0 || (owner is not null && Native.ChangeOwner(file, owner.User, owner.Group) != 0))
                    throw new IOException($"{temporary}: {Native.LastError()}");
                RandomAccess.Write(file, Encoding.ASCII.GetBytes(pem), 0);
                RandomAccess.FlushToDisk(file);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
