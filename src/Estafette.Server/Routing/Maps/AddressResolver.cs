using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Routing.Maps;

/// <summary>
/// Finds out where an address leads (trivial-rewrite(8)): takes domains of one's own off as long as a route stands before them, then asks which class the domain has and by which transport it goes.
/// A usual address is never taken apart. A table that cannot be read leaves the question open (E44).
/// </summary>
internal sealed class AddressResolver(MailConfig config, MapRouting maps, AddressRewriter rewriter, OwnDomains own, TransportChoice transports)
{
    private readonly AddressRewriting _settings = maps.Rewriting;

    public ValueTask<Resolution> ResolveAsync(MailAddress address, MailAddress sender, CancellationToken cancellationToken)
    {
        if (!IsUsual(address))
            return ResolveOddAsync(address, sender, cancellationToken);
        // The hot path of a relay: nothing but sets to look into.
        if (own.IsSet && address.LocalPart[0] != '-' && transports.TryChoose(address, own.ContainsName(address.Domain), out Resolution resolution))
            return ValueTask.FromResult(resolution);
        return ResolveUsualAsync(address, sender, cancellationToken);
    }

    /// <summary>Nothing to take apart: no route, no quoting, a plain host name.</summary>
    private static bool IsUsual(MailAddress address) => AddressSyntax.IsDotString(address.LocalPart) && !HasRoute(address.LocalPart) && HostSyntax.IsName(address.Domain);

    private static bool HasRoute(string localPart) => localPart.AsSpan().ContainsAny('@', '!', '%');

    private async ValueTask<Resolution> ResolveUsualAsync(MailAddress address, MailAddress sender, CancellationToken cancellationToken)
    {
        ListAnswer local = await own.ContainsAsync(address.Domain, cancellationToken);
        if (local.IsUnavailable)
            return Unavailable(address, local.Failure!);
        return await FinishAsync(address, local.IsMatch, sender, cancellationToken);
    }

    private async ValueTask<Resolution> ResolveOddAsync(MailAddress address, MailAddress sender, CancellationToken cancellationToken)
    {
        AddressTokens tokens = AddressTokens.Of(address);
        List<AddressToken>? ownDomain = null;
        bool isLocal = false;
        // Each round takes something off but those that only bring a route into form; twice the length is more than any address needs.
        for (int rounds = 2 * (tokens.Count + address.LocalPart.Length) + 4; !isLocal; rounds--)
        {
            if (rounds == 0)
                return Malformed(address);
            if (tokens.EndsWithLoneDot && tokens.FindLast('@') >= 0)
                tokens.RemoveLast();
            if (_settings.ResolvesNullDomain && tokens.EndsWith('@'))
                tokens.RemoveLast();
            int at = tokens.FindLast('@');
            if (at >= 0)
            {
                ListAnswer answer = at + 1 < tokens.Count ? await own.ContainsAsync(tokens.Text(at + 1, tokens.Count), cancellationToken) : new ListAnswer(true);
                if (answer.IsUnavailable)
                    return Unavailable(address, answer.Failure!);
                if (!answer.IsMatch)
                    break;
                ownDomain = tokens.Cut(at);
            }
            isLocal = !Unwrap(tokens);
        }
        if (isLocal)
        {
            if (ownDomain is not null)
                tokens.Append(ownDomain);
            else
                tokens.Append("@" + config.HostName);
        }
        return await CheckDomainAsync(tokens.ToAddress(), isLocal, sender, cancellationToken);
    }

    /// <summary>Looks for another address in what is left of a domain of one's own; false where there is none: it is a user.</summary>
    private bool Unwrap(AddressTokens tokens)
    {
        if (tokens.FindLast('@') >= 0 || (_settings.SwapsBangPath && tokens.FindLast('!') >= 0) || (_settings.AllowsPercentHack && tokens.FindLast('%') >= 0))
        {
            rewriter.Rewrite(tokens, RewriteContext.Local);
            return true;
        }
        if (_settings.ResolvesDequoted && tokens.Count == 1 && tokens[0].Kind == AddressTokenKind.Quoted && Dequoted(tokens[0].Text) is { } route)
        {
            tokens.Become(route);
            rewriter.Rewrite(tokens, RewriteContext.Local);
            return true;
        }
        if (tokens.Count == 0 || (tokens.Count == 1 && tokens[0] is { Kind: AddressTokenKind.Quoted, Text.Length: 0 }))
        {
            tokens.Become(_settings.EmptyRecipient);
            return true;
        }
        return false;
    }

    /// <summary>The route that is hidden between quotation marks, as an address to read; null where there is none. Technically they forbid it, but others do not know that and relay.</summary>
    private string? Dequoted(string text)
    {
        int mark = text.LastIndexOf('@');
        if (mark < 0 && _settings.AllowsPercentHack)
            mark = text.LastIndexOf('%');
        if (mark >= 0)
            return AddressSyntax.QuoteLocalPartIfNeeded(text[..mark]) + "@" + text[(mark + 1)..];
        return _settings.SwapsBangPath && text.Contains('!', StringComparison.Ordinal) ? text : null;
    }

    private async ValueTask<Resolution> CheckDomainAsync(MailAddress address, bool isLocal, MailAddress sender, CancellationToken cancellationToken)
    {
        if (address.Domain.StartsWith('['))
        {
            if (!HostSyntax.TryLiteral(address.Domain, out _))
                return Malformed(address);
        }
        else if (!HostSyntax.IsName(address.Domain))
        {
            if (!_settings.ResolvesNumericDomain || !HostSyntax.TryAddress(address.Domain, out _))
                return Malformed(address);
            address = address with { Domain = "[" + address.Domain + "]" };
            ListAnswer answer = await own.ContainsAsync(address.Domain, cancellationToken);
            if (answer.IsUnavailable)
                return Unavailable(address, answer.Failure!);
            isLocal |= answer.IsMatch;
        }
        return await FinishAsync(address, isLocal, sender, cancellationToken);
    }

    private async ValueTask<Resolution> FinishAsync(MailAddress address, bool isLocal, MailAddress sender, CancellationToken cancellationToken)
    {
        Resolution resolution = await transports.ChooseAsync(address, isLocal, sender, cancellationToken);
        // A program that gets the address as an argument must not take it for an option.
        if (address.LocalPart.StartsWith('-') && !_settings.AllowsMinusFirst && resolution.Problem == ResolutionProblem.None)
            return Malformed(address);
        return resolution with { IsRouted = HasRoute(address.LocalPart) };
    }

    private static Resolution Malformed(MailAddress address) => new() { Address = address, Problem = ResolutionProblem.Malformed, Reason = "bad address syntax", Action = "", NextHop = "", DecidedBy = "" };

    internal static Resolution Unavailable(MailAddress address, string reason) =>
        new() { Address = address, Problem = ResolutionProblem.Unavailable, Reason = reason, Action = "", NextHop = "", DecidedBy = "" };
}
