using System.Net;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Policy;

/// <summary>
/// Whom qmail-smtpd(8) serves and what mail it takes: the rules of tcpserver, <c>badmailfrom</c>, <c>rcpthosts</c>. It verifies no user, as the original does not. A table that cannot be read refuses for now
/// (E44): neither a stranger's mail nor a customer's goes the wrong way for it.
/// </summary>
public sealed class QmailGate(MailConfig mail, QmailSmtpdConfig config, TableSet tables)
{
    private static readonly Verdict s_unreadable = new(VerdictKind.Reject, "421 unable to read controls (#4.3.0)", SourceSpan.None);

    /// <summary>The rule for a client; null where the rules cannot be read, and nobody is let in.</summary>
    public async ValueTask<ClientRule?> RuleAsync(IPAddress client, string? host, CancellationToken cancellationToken)
    {
        if (config.RulesTable is not { } table)
            return ClientRule.Default;
        foreach (string key in ClientRule.Keys(client, config.NoHostNames ? null : host))
        {
            switch (await tables.LookupAsync(table, key, cancellationToken))
            {
                case TableAnswer.Found found:
                    return ClientRule.Decode(found.Value);
                case TableAnswer.Unavailable:
                    return null;
            }
        }
        return ClientRule.Default;
    }

    /// <summary>What is said at RCPT; the sender is judged there, too, so that RSET and further recipients stay possible.</summary>
    public async ValueTask<Verdict> RecipientAsync(ClientRule rule, MailAddress sender, MailAddress recipient, CancellationToken cancellationToken)
    {
        if (config.BadMailFromTable is { } bad && !sender.IsNull)
        {
            foreach (string key in (string[])[sender.LocalPart + "@" + sender.Domain, "@" + sender.Domain])
            {
                TableAnswer answer = await tables.LookupAsync(bad, key, cancellationToken);
                if (answer is TableAnswer.Unavailable)
                    return s_unreadable;
                if (answer is TableAnswer.Found)
                    return Refusal("553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)", bad);
            }
        }
        if (rule.RelayClient is not null || recipient.Domain.Length == 0)
            return Verdict.Accepted;
        return await IsListedAsync(recipient.Domain, cancellationToken) switch
        {
            true => Verdict.Accepted,
            false => Refusal("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", config.RcptHostsTable),
            null => s_unreadable,
        };
    }

    /// <summary>Null where a table cannot be read.</summary>
    private async ValueTask<bool?> IsListedAsync(string domain, CancellationToken cancellationToken)
    {
        foreach (string? table in (string?[])[config.RcptHostsTable, config.MoreRcptHostsTable])
        {
            // The domain itself, then each of its ends that begins with a dot.
            for (int at = 0; table is not null && at >= 0; at = domain.IndexOf('.', at + 1))
            {
                TableAnswer answer = await tables.LookupAsync(table, domain[at..], cancellationToken);
                if (answer is TableAnswer.Unavailable)
                    return null;
                if (answer is TableAnswer.Found)
                    return true;
            }
        }
        return false;
    }

    private Verdict Refusal(string reply, string table) => new(VerdictKind.Reject, reply, mail.Tables[table].At);
}
