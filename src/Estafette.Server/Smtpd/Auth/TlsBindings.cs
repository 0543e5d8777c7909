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

    /// <summary>SSL_CTRL_GET_EXTMS_SUPPORT.</summary>
    private const int ExtendedMasterSecret = 122;
    private static readonly object s_yes = new();
    private static readonly FieldInfo? s_context = typeof(SslStream).GetField("_securityContext", BindingFlags.Instance | BindingFlags.NonPublic);

    public static ChannelBindings Of(SslStream stream)
    {
        byte[]? endPoint = stream.LocalCertificate is X509Certificate2 certificate ? ChannelBindings.EndPointOf(certificate) : null;
        if (stream.SslProtocol == SslProtocols.Tls13)
            return Exporter(stream) is { } exporter ? new ChannelBindings { Exporter = exporter, ServerEndPoint = endPoint } : ChannelBindings.None;
        return new ChannelBindings { Unique = HasSessionHash(stream) ? Unique(stream) : null, ServerEndPoint = endPoint };
    }

    /// <summary>RFC 9266 s2: the label, no context, 32 octets.</summary>
    private static byte[]? Exporter(SslStream stream) => AskOpenSsl(stream, static ssl => Export(ssl));

    private static unsafe byte[]? Export(nint ssl)
    {
        byte[] material = new byte[ExporterLength];
        byte nothing = 0;
        fixed (byte* output = material)
        fixed (byte* label = "EXPORTER-Channel-Binding"u8)
        {
            int done = ExportKeyingMaterial(ssl, output, ExporterLength, label, (nuint)"EXPORTER-Channel-Binding"u8.Length, &nothing, 0, 1);
            return done == 1 ? material : null;
        }
    }

    /// <summary>Without the extended master secret (RFC 7627) somebody in the middle can make two resumed connections with the same <c>tls-unique</c>: RFC 7677 s4 forbids to rely on it.</summary>
    private static bool HasSessionHash(SslStream stream) => AskOpenSsl<object>(stream, static ssl => Control(ssl, ExtendedMasterSecret, 0, 0) == 1 ? s_yes : null) is not null;

    /// <summary>Null where OpenSSL is not inside the stream where it used to be.</summary>
    private static T? AskOpenSsl<T>(SslStream stream, Func<nint, T?> question)
        where T : class
    {
        if (s_context?.GetValue(stream) is not SafeHandle { IsInvalid: false, IsClosed: false } handle || handle.GetType().Name != "SafeSslHandle")
            return null;
        bool held = false;
        try
        {
            handle.DangerousAddRef(ref held);
            return question(handle.DangerousGetHandle());
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

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_ctrl")]
    private static partial nint Control(nint ssl, int command, nint argument, nint pointer);

    [LibraryImport("libssl.so.3", EntryPoint = "SSL_export_keying_material")]
    private static unsafe partial int ExportKeyingMaterial(nint ssl, byte* output, nuint outputLength, byte* label, nuint labelLength, byte* context, nuint contextLength, int useContext);
}
