using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Authentication.ExtendedProtection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Estafette.Smtp;

namespace Estafette.Smtpd.Auth;

/// <summary>
/// Reads the channel bindings of a TLS connection. The runtime has no call for the keying material of RFC 5705, so OpenSSL is asked through the handle inside the stream;
/// where that is not the shape it was, TLS 1.3 has no binding that clients choose, and PLUS is not offered there.
/// </summary>
internal static partial class TlsBindings
{
    private const int ExporterLength = 32;
    private static readonly FieldInfo? s_context = typeof(SslStream).GetField("_securityContext", BindingFlags.Instance | BindingFlags.NonPublic);

    public static ChannelBindings Of(SslStream stream)
    {
        byte[]? endPoint = stream.LocalCertificate is X509Certificate2 certificate ? ChannelBindings.EndPointOf(certificate) : null;
        if (stream.SslProtocol == SslProtocols.Tls13)
            return Exporter(stream) is { } exporter ? new ChannelBindings { Exporter = exporter, ServerEndPoint = endPoint } : ChannelBindings.None;
        return new ChannelBindings { Unique = Unique(stream), ServerEndPoint = endPoint };
    }

    /// <summary>RFC 9266 s2: the label, no context, 32 octets.</summary>
    private static unsafe byte[]? Exporter(SslStream stream)
    {
        if (s_context?.GetValue(stream) is not SafeHandle { IsInvalid: false, IsClosed: false } handle || handle.GetType().Name != "SafeSslHandle")
            return null;
        byte[] material = new byte[ExporterLength];
        bool held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            byte nothing = 0;
            fixed (byte* output = material)
            fixed (byte* label = "EXPORTER-Channel-Binding"u8)
            {
                int done = ExportKeyingMaterial(handle.DangerousGetHandle(), output, ExporterLength, label, (nuint)"EXPORTER-Channel-Binding"u8.Length, &nothing, 0, 1);
                return done == 1 ? material : null;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or ObjectDisposedException)
        {
            return null;
        }
        finally
        {
            if (held)
                handle.DangerousRelease();
        }
    }

    /// <summary>The runtime's value has a header of its own and the name before it.</summary>
    private static byte[]? Unique(SslStream stream)
    {
        ReadOnlySpan<byte> name = "tls-unique:"u8;
        try
        {
            using ChannelBinding? binding = stream.TransportContext.GetChannelBinding(ChannelBindingKind.Unique);
            if (binding is null)
                return null;
            byte[] octets = new byte[binding.Size];
            Marshal.Copy(binding.DangerousGetHandle(), octets, 0, octets.Length);
            int start = octets.AsSpan().IndexOf(name);
            return start < 0 ? null : octets[(start + name.Length)..];
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException or CryptographicException)
        {
            return null;
        }
    }

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_export_keying_material")]
    private static unsafe partial int ExportKeyingMaterial(nint ssl, byte* output, nuint outputLength, byte* label, nuint labelLength, byte* context, nuint contextLength, int useContext);
}
