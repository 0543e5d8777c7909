using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Routing;

/// <summary>The replies that routing refuses with, in the words and codes of the dialect.</summary>
internal sealed class RefusalTexts(Dialect dialect)
{
    private readonly bool _old = dialect == Dialect.OpenSmtpdOld;

    public RouteResult.Refused Of(RefusalReason reason, MailAddress recipient, SourceSpan rule) => reason switch
    {
        RefusalReason.TemporaryFailure => Make(reason, 451, new EnhancedStatus(4, 3, 0), "Temporary failure", recipient, rule),
        // 5.2.4 is RFC 3463's "mailing list expansion problem"; 524 is the code OpenSMTPD gives with it, the old one said 550.
        RefusalReason.ExpansionProblem when !_old => Make(reason, 524, new EnhancedStatus(5, 2, 4), "Mailing list expansion problem", recipient, rule),
        _ => Make(reason, 550, default, "Invalid recipient", recipient, rule),
    };

    /// <summary>Aliases or a forward file cannot be read now.</summary>
    public RouteResult.Refused ExpansionUnavailable(MailAddress recipient, SourceSpan rule) =>
        _old
            ? Of(RefusalReason.TemporaryFailure, recipient, rule)
            : Make(RefusalReason.TemporaryFailure, 424, new EnhancedStatus(4, 2, 4), "Mailing list expansion problem", recipient, rule);

    public RouteResult.Refused Make(RefusalReason reason, int code, EnhancedStatus status, string text, MailAddress recipient, SourceSpan rule) =>
        new(reason, code, status, _old ? text : $"{text}: <{recipient}>", rule);
}
