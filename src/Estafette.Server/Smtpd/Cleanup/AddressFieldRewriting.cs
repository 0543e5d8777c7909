using System.Buffers;
using Estafette.Mail;

namespace Estafette.Smtpd.Cleanup;

/// <summary>Rewrites the addresses of one header field. Where none changed the field keeps its layout; else it gets a new one, as many addresses a line as fit (cleanup(8)).</summary>
internal static class AddressFieldRewriting
{
    /// <summary>The new field, lines joined by LF; null where nothing changed. Unavailable where a table could not be asked.</summary>
    public static async ValueTask<(byte[]? Field, bool Unavailable)> RewriteAsync(ReadOnlyMemory<byte> field, int tokenLimit, AddressQuestion question, AddressTreatment treatment, CancellationToken cancellationToken)
    {
        int colon = field.Span.IndexOf((byte)':');
        AddressField addresses = AddressField.Parse(field.Span[(colon + 1)..], tokenLimit);
        bool changed = false;
        for (int i = 0; i < addresses.Count; i++)
        {
            string address = addresses.AddressAt(i);
            if (await treatment(question with { Address = address }, cancellationToken) is not { } rewritten)
                return (null, true);
            if (rewritten == address)
                continue;
            addresses.Replace(i, rewritten);
            changed = true;
        }
        if (!changed)
            return (null, false);
        var output = new ArrayBufferWriter<byte>(field.Length + 64);
        output.Write(field.Span[..colon]);
        output.Write(": "u8);
        output.Write(addresses.Write());
        byte[] result = output.WrittenSpan.ToArray();
        FieldLayout.Fill(result);
        return (result, false);
    }
}
