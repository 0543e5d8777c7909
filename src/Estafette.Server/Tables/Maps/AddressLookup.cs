using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Tables;

/// <summary>The keys under which an address is looked for, in the order of these names.</summary>
[Flags]
public enum AddressKeys
{
    /// <summary><c>user+ext@domain</c>; the only one that tables of patterns are asked for.</summary>
    Whole = 1,

    /// <summary><c>user@domain</c>, and <c>user</c> wherever <c>user+ext</c> is tried.</summary>
    WithoutExtension = 2,

    /// <summary><c>user</c>, where the domain is one's own.</summary>
    UserIfOwn = 4,

    /// <summary><c>user@</c>, where the domain is one's own.</summary>
    UserAtIfOwn = 8,

    /// <summary><c>@domain</c>.</summary>
    AtDomain = 16,

    /// <summary><c>domain</c>.</summary>
    Domain = 32,

    /// <summary>With <see cref="Domain"/>: its parents as <c>parent</c> (<c>parent_domain_matches_subdomains</c>).</summary>
    Parents = 64,

    /// <summary>With <see cref="Domain"/>: its parents as <c>.parent</c>.</summary>
    DotParents = 128,

    /// <summary><c>user@</c>, whosever the domain is.</summary>
    UserAt = 256,

    /// <summary>canonical(5), virtual(5), relocated(5), generic(5), bcc maps, recipient maps.</summary>
    Default = Whole | WithoutExtension | UserIfOwn | AtDomain,

    /// <summary>access(5), email address patterns; add <see cref="Parents"/> or <see cref="DotParents"/>.</summary>
    Access = Whole | WithoutExtension | Domain | UserAt,

    /// <summary>transport(5); add <see cref="Parents"/> or <see cref="DotParents"/>, and ask for <c>*</c> afterwards.</summary>
    Transport = Whole | WithoutExtension | Domain,
}

/// <summary>What an address is mapped to.</summary>
/// <param name="Extension">The extension, with its delimiter, that was not part of the key that answered; empty where none was left over.</param>
public readonly record struct AddressAnswer(TableAnswer Answer, string Extension);

/// <summary>Whether a domain is one's own (<c>myorigin</c>, <c>mydestination</c>, own address literals); null where that cannot be told now.</summary>
public delegate ValueTask<bool?> OwnDomainTest(string domain, CancellationToken cancellationToken);

/// <summary>
/// Looks for an address in a list of maps under all keys that stand for it, the most special first. A failure under one key ends the search: a more general key must not answer in its place (E44). A local part that
/// needs quotation marks is tried with them, then without (E28).
/// </summary>
/// <param name="delimiters"><c>recipient_delimiter</c>.</param>
/// <param name="isOwn">Asked only when a key depends on it, and only once a search.</param>
public sealed class AddressLookup(TableSet tables, AddressKeys keys, string delimiters, OwnDomainTest isOwn)
{
    private static readonly AddressAnswer s_notFound = new(TableAnswer.NotFound.Instance, "");

    /// <summary>Rules with <c>$1</c> are asked, too, unless this forbids it.</summary>
    public MapUse Use { get; init; }

    public ValueTask<AddressAnswer> FindAsync(ImmutableArray<string> maps, MailAddress address, CancellationToken cancellationToken) =>
        maps.IsEmpty ? ValueTask.FromResult(s_notFound) : SearchAsync(maps, address, cancellationToken);

    private async ValueTask<AddressAnswer> SearchAsync(ImmutableArray<string> maps, MailAddress address, CancellationToken cancellationToken)
    {
        string user = address.LocalPart, domain = address.Domain;
        string? bare = null;
        string extension = "";
        if (keys.HasFlag(AddressKeys.WithoutExtension))
            AddressExtension.TrySplit(user, delimiters, out bare, out extension);
        string suffix = domain.Length > 0 ? "@" + domain : "";
        TableAnswer answer = TableAnswer.NotFound.Instance;
        if (keys.HasFlag(AddressKeys.Whole))
            answer = await AskAsync(maps, user, suffix, Use, cancellationToken);
        if (answer is TableAnswer.NotFound && bare is not null && await AskAsync(maps, bare, suffix, Use | MapUse.Partial, cancellationToken) is var stripped and not TableAnswer.NotFound)
            return new AddressAnswer(stripped, extension);
        if (answer is not TableAnswer.NotFound || domain.Length == 0)
            return new AddressAnswer(answer, "");

        if ((keys & (AddressKeys.UserIfOwn | AddressKeys.UserAtIfOwn)) != 0)
        {
            switch (await isOwn(domain, cancellationToken))
            {
                case null:
                    return new AddressAnswer(new TableAnswer.Unavailable($"whether {domain} is a domain of this server cannot be told now"), "");
                case true when await SearchOwnAsync(maps, user, bare, extension, cancellationToken) is { Answer: not TableAnswer.NotFound } own:
                    return own;
            }
        }
        if (keys.HasFlag(AddressKeys.AtDomain))
            answer = await tables.FindAsync(maps, suffix, Use | MapUse.Partial, cancellationToken);
        if (answer is TableAnswer.NotFound && keys.HasFlag(AddressKeys.Domain))
            answer = await DomainLookup.FindAsync(tables, maps, domain, keys, Use | MapUse.Partial, cancellationToken);
        if (answer is TableAnswer.NotFound && keys.HasFlag(AddressKeys.UserAt))
            return await SearchUserAsync(maps, user, bare, extension, "@", cancellationToken);
        return new AddressAnswer(answer, "");
    }

    private async ValueTask<AddressAnswer> SearchOwnAsync(ImmutableArray<string> maps, string user, string? bare, string extension, CancellationToken cancellationToken)
    {
        AddressAnswer answer = keys.HasFlag(AddressKeys.UserIfOwn) ? await SearchUserAsync(maps, user, bare, extension, "", cancellationToken) : s_notFound;
        return answer.Answer is TableAnswer.NotFound && keys.HasFlag(AddressKeys.UserAtIfOwn) ? await SearchUserAsync(maps, user, bare, extension, "@", cancellationToken) : answer;
    }

    private async ValueTask<AddressAnswer> SearchUserAsync(ImmutableArray<string> maps, string user, string? bare, string extension, string suffix, CancellationToken cancellationToken)
    {
        TableAnswer answer = await AskAsync(maps, user, suffix, Use | MapUse.Partial, cancellationToken);
        return answer is TableAnswer.NotFound && bare is not null
            ? new AddressAnswer(await AskAsync(maps, bare, suffix, Use | MapUse.Partial, cancellationToken), extension)
            : new AddressAnswer(answer, "");
    }

    private async ValueTask<TableAnswer> AskAsync(ImmutableArray<string> maps, string user, string suffix, MapUse use, CancellationToken cancellationToken)
    {
        string external = AddressSyntax.QuoteLocalPartIfNeeded(user);
        TableAnswer answer = await tables.FindAsync(maps, external + suffix, use, cancellationToken);
        return answer is TableAnswer.NotFound && !string.Equals(external, user, StringComparison.Ordinal) ? await tables.FindAsync(maps, user + suffix, use, cancellationToken) : answer;
    }
}
