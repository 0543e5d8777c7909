using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Config;
using Estafette.Events;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Certificates of trusted authorities, read from PEM files and again when a file changes. A file that cannot be read any more leaves what was read before; one that never
/// could leaves nothing, so that verification fails instead of falling back to the system's authorities.
/// </summary>
internal sealed class TrustAnchorFiles(Func<FileView> files, EventSink events)
{
    private readonly ConcurrentDictionary<string, Anchors> _known = new(StringComparer.Ordinal);

    private sealed record Anchors(FileStamp Stamp, X509Certificate2Collection Certificates);

    /// <summary>The same object as long as the file stays as it is.</summary>
    public X509Certificate2Collection Of(string file)
    {
        bool exists = files().TryStamp(file, out FileStamp stamp, out FileFailure failure);
        Anchors? before = _known.GetValueOrDefault(file);
        if (before is not null && before.Stamp == stamp)
            return before.Certificates;
        string trouble = failure.Text;
        X509Certificate2Collection? certificates = exists ? CertificateTrust.ReadAnchors(files(), file, out trouble) : null;
        if (certificates is null)
        {
            bool kept = before?.Certificates.Count > 0;
            string effect = kept ? "what was read before stays in force" : "nothing is trusted";
            events.Publish(new OperatorWarning("mta", $"Trust anchor {file} cannot be read: {trouble}; {effect}") { At = events.Now });
            certificates = kept ? before!.Certificates : [];
        }
        _known[file] = new Anchors(stamp, certificates);
        return certificates;
    }
}
