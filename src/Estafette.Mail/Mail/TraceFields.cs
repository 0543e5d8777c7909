using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Estafette.Mail;

/// <summary>
/// Writes the fields that reception and final delivery put on top of a message, in the words of the dialect (RFC 5321 s4.4). All text from outside is
/// sanitised first: no value can end its line (E15, E55).
/// </summary>
public static class TraceFields
{
    public static void WriteReceived(IBufferWriter<byte> output, TraceStyle style, ReceivedTrace trace)
    {
        if (style is TraceStyle.Postfix)
            WritePostfixReceived(output, trace);
        else
            WriteOpenSmtpdReceived(output, style, trace);
    }

    /// <summary>OpenSMTPD writes none for the null reverse-path; its old versions left the brackets out.</summary>
    public static void WriteReturnPath(IBufferWriter<byte> output, TraceStyle style, MailAddress reversePath)
    {
        if (style is not TraceStyle.Postfix && reversePath.IsNull)
            return;
        FieldText.WriteRaw(output, style is TraceStyle.OpenSmtpdOld ? "Return-Path: " : "Return-Path: <");
        FieldText.Write(output, reversePath.ToString());
        output.Write(style is TraceStyle.OpenSmtpdOld ? "\r\n"u8 : ">\r\n"u8);
    }

    /// <summary>The address as the client named it in OpenSMTPD's style; the final address in Postfix's. The caller knows which.</summary>
    public static void WriteDeliveredTo(IBufferWriter<byte> output, MailAddress recipient) => WriteAddressField(output, "Delivered-To: ", recipient);

    /// <summary>Postfix only, between Return-Path and Delivered-To (P21).</summary>
    public static void WriteOriginalTo(IBufferWriter<byte> output, MailAddress recipient) => WriteAddressField(output, "X-Original-To: ", recipient);

    private static void WriteAddressField(IBufferWriter<byte> output, string name, MailAddress address)
    {
        FieldText.WriteRaw(output, name);
        FieldText.Write(output, address.ToString());
        output.Write("\r\n"u8);
    }

    private static void WriteOpenSmtpdReceived(IBufferWriter<byte> output, TraceStyle style, ReceivedTrace trace)
    {
        ClientInfo client = trace.Client;
        output.Write("Received: "u8);
        if (!trace.MaskSource)
        {
            string host = client.Address is null ? client.HostName ?? trace.ByHost
                : client.HostName ?? (style is TraceStyle.OpenSmtpdOld ? client.Address.ToString() : "<unknown>");
            string address = client.Address is null ? "local" : Literal(client.Address);
            FieldText.Write(output, $"from {HeloOf(client)} ({host} [{address}])");
            output.Write("\r\n\t"u8);
        }
        FieldText.Write(output, $"by {trace.ByHost} (OpenSMTPD) with {client.Protocol} id {trace.Id.Short}");
        if (client.TlsProtocol is not null)
        {
            string verified = trace.ClientCertificate is { IsVerified: true } ? "YES" : "NO";
            FieldText.Write(output, string.Create(CultureInfo.InvariantCulture, $" ({client.TlsProtocol}:{client.TlsCipher}:{client.TlsBits}:{verified})"));
        }
        WriteForAndDate(output, trace);
    }

    private static void WritePostfixReceived(IBufferWriter<byte> output, ReceivedTrace trace)
    {
        ClientInfo client = trace.Client;
        output.Write("Received: "u8);
        if (client.Address is null && !trace.IsDialogue)
        {
            string origin = client.LocalUid is uint uid ? string.Create(CultureInfo.InvariantCulture, $"({trace.MailName}, from userid {uid})") : $"({trace.MailName})";
            FieldText.Write(output, $"by {trace.ByHost} {origin}");
            output.Write("\r\n\t"u8);
            FieldText.Write(output, $"id {trace.Id}; {HeaderDate.Format(trace.Time)}");
            output.Write("\r\n"u8);
            return;
        }
        if (!trace.MaskSource)
        {
            string name = client.HostName ?? "unknown";
            string address = client.Address is null ? "127.0.0.1" : Literal(client.Address);
            FieldText.Write(output, $"from {(client.Helo.Length > 0 ? client.Helo : name)} ({(client.Address is null ? "localhost" : name)} [{address}])");
            output.Write("\r\n\t"u8);
        }
        if (trace.TellsTls)
            WritePostfixTls(output, trace);
        if (trace.TellsLogin && client.Login is not null)
        {
            FieldText.Write(output, $"(Authenticated sender: {Comment(client.Login)})");
            output.Write("\r\n\t"u8);
        }
        FieldText.Write(output, $"by {trace.ByHost} ({trace.MailName}) with {client.Protocol} id {trace.Id}");
        output.Write(trace.For is null ? ";\r\n\t"u8 : "\r\n\t"u8);
        FieldText.Write(output, trace.For is null ? HeaderDate.Format(trace.Time) : $"for <{trace.For}>; {HeaderDate.Format(trace.Time)}");
        output.Write("\r\n"u8);
    }

    private static void WritePostfixTls(IBufferWriter<byte> output, ReceivedTrace trace)
    {
        ClientInfo client = trace.Client;
        if (client.TlsProtocol is null)
            return;
        FieldText.Write(output, string.Create(CultureInfo.InvariantCulture, $"(using {client.TlsProtocol} with cipher {client.TlsCipher} ({client.TlsBits}/{client.TlsBits} bits))"));
        output.Write("\r\n\t"u8);
        FieldText.Write(output, trace.ClientCertificate is { } shown
            ? $"(Client CN \"{Comment(shown.CommonName)}\", Issuer \"{Comment(shown.IssuerName)}\" ({(shown.IsVerified ? "verified OK" : "not verified")}))"
            : trace.ClientCertificateAsked ? "(Client did not present a certificate)" : "(No client certificate requested)");
        output.Write("\r\n\t"u8);
    }

    /// <summary>RFC 5322 s3.2.2: what a stranger wrote into a certificate must not end the comment; a name that is too long is cut.</summary>
    private static string Comment(string name)
    {
        const int longest = 128;
        string text = name.Length > longest ? name[..longest] : name;
        return string.Concat(text.Select(c => c is '(' or ')' or '\\' or '"' ? '?' : c));
    }

    private static void WriteForAndDate(IBufferWriter<byte> output, ReceivedTrace trace)
    {
        if (trace.For is { } recipient)
        {
            output.Write("\r\n\t"u8);
            FieldText.Write(output, $"for <{recipient}>");
        }
        output.Write(";\r\n\t"u8);
        FieldText.WriteRaw(output, HeaderDate.Format(trace.Time));
        output.Write("\r\n"u8);
    }

    private static string HeloOf(ClientInfo client) => client.Helo.Length > 0 ? client.Helo : client.Address is null ? "localhost" : "unknown";

    // RFC 5321 s4.1.3 tags an IPv6 literal.
    private static string Literal(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4().ToString()
        : address.AddressFamily is AddressFamily.InterNetworkV6 ? "IPv6:" + WithoutScope(address) : address.ToString();

    private static string WithoutScope(IPAddress address) => new IPAddress(address.GetAddressBytes()).ToString();
}
