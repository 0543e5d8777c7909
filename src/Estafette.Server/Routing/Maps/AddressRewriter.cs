using System.Buffers;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Routing.Maps;

/// <summary>Whose habits complete an address: ours, or those for headers of strangers (<c>local_header_rewrite_clients</c>).</summary>
public enum RewriteContext : byte { Local, Remote }

/// <summary>
/// Brings addresses into the form <c>user@domain</c> (trivial-rewrite(8), ADDRESS_REWRITING_README): source routes go, bang paths and percent routes become addresses, what is missing is added, a
/// trailing dot is taken off. Pure; a usual address comes back as it is, at the cost of a look.
/// </summary>
public sealed class AddressRewriter
{
    /// <summary>Characters that let nothing be said of a local part by a look.</summary>
    private static readonly SearchValues<char> s_odd = SearchValues.Create("%!@\"\\()<>,;:[] \t\r\n|");

    private readonly AddressRewriting _settings;

    public AddressRewriter(AddressRewriting settings) => _settings = settings;

    public MailAddress Rewrite(MailAddress address, RewriteContext context)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsNull || IsUsual(address))
            return address;
        AddressTokens tokens = AddressTokens.Of(address);
        Rewrite(tokens, context);
        MailAddress rewritten = tokens.ToAddress();
        return rewritten.Equals(address) && rewritten.Domain == address.Domain ? address : rewritten;
    }

    /// <summary>Reads an address as a table or an alias file gives it, and rewrites it.</summary>
    public MailAddress Read(string text, RewriteContext context)
    {
        AddressTokens tokens = AddressTokens.Read(text);
        Rewrite(tokens, context);
        return tokens.ToAddress();
    }

    /// <summary>Nothing would change, or only by <c>append_dot_mydomain</c>, for which the domain has a dot.</summary>
    private static bool IsUsual(MailAddress address) =>
        address.LocalPart.Length > 0 && address.Domain.Length > 0 && address.Domain.Contains('.', StringComparison.Ordinal) && address.Domain[^1] != '.'
        && !address.LocalPart.AsSpan().ContainsAny(s_odd) && !address.Domain.AsSpan().ContainsAny(s_odd);

    internal void Rewrite(AddressTokens tokens, RewriteContext context)
    {
        string origin = context == RewriteContext.Local ? _settings.Origin : _settings.RemoteHeaderDomain;
        string parent = context == RewriteContext.Local ? _settings.Domain : _settings.RemoteHeaderDomain;
        if (tokens.Count == 0 || (tokens.Count == 1 && tokens[0] is { Kind: AddressTokenKind.Quoted, Text.Length: 0 }))
            return;
        if (tokens.Count == 1 && tokens[0].Is('@'))
        {
            tokens.RemoveFrom(0);
            return;
        }
        int colon = tokens[0].Is('@') ? tokens.Find(':') : -1;
        if (colon >= 0 && colon < tokens.Count - 1)
            tokens.RemoveThrough(colon);

        if (tokens.FindLast('@') < 0)
            AddDomain(tokens, origin);
        int at = tokens.FindLast('@');
        if (_settings.AppendsDomain && parent.Length > 0 && at >= 0 && at < tokens.Count - 1 && !tokens.HasLiteralFrom(at) && !tokens.HasFrom(at, '.'))
            tokens.Append("." + parent);
        if (tokens.EndsWithLoneDot)
            tokens.RemoveLast();
    }

    private void AddDomain(AddressTokens tokens, string origin)
    {
        if (_settings.SwapsBangPath && tokens.Find('!') is >= 0 and int bang)
            tokens.SwapAt(bang);
        else if (_settings.AllowsPercentHack && tokens.FindLast('%') is >= 0 and int percent)
            tokens.Set(percent, '@');
        else if (_settings.AppendsOrigin && origin.Length > 0)
            tokens.Append("@" + origin);
    }
}
