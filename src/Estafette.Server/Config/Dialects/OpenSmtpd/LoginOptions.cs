using System.Collections.Immutable;
using System.Text;
using Estafette.Config.Model;
using Estafette.Mail;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// What a <c>listen</c> line says of logins: whether they are possible or demanded, who decides, by which mechanisms, and who may use which sender. The caller tells by
/// <c>once</c> whether an option stands for the first time.
/// </summary>
internal sealed class LoginOptions(LoweringContext context, TableLowering tables, StatementReader reader)
{
    /// <summary>What fits into <c>sockaddr_un</c>.</summary>
    private const int LongestSocketPath = 107;

    private SourceSpan? _mechanismsAt;

    public ListenerAuth Demand { get; private set; }
    public SourceSpan At { get; private set; }
    public AuthSource Source { get; private set; } = AuthSource.SystemUsers.Default;
    public ImmutableArray<string> Mechanisms { get; private set; } = [];
    public bool WithoutTls { get; private set; }
    public string? SendersTable { get; private set; }
    public bool Masquerade { get; private set; }

    public bool Take(SourceSpan at, Func<string, SourceSpan, bool> once)
    {
        if (reader.Take("auth"))
            SetDemand(at, ListenerAuth.Required, once);
        else if (reader.Take("auth-optional"))
            SetDemand(at, ListenerAuth.Optional, once);
        else if (!context.OldGrammar && reader.Take("mechanisms"))
            TakeMechanisms(at, once);
        else if (!context.OldGrammar && reader.Take("auth-without-tls"))
            WithoutTls = once("auth-without-tls", at);
        else if (TakeSenders(at, once))
            Masquerade = !reader.Failed && reader.Take("masquerade");
        else
            return false;
        return true;
    }

    private void SetDemand(SourceSpan at, ListenerAuth demand, Func<string, SourceSpan, bool> once)
    {
        if (!once("auth", at))
            return;
        Demand = demand;
        At = at;
        if (reader.TakeOptionalTable() is { } item)
        {
            if (tables.Use(item, TableUse.Credentials) is { } table)
                Source = new AuthSource.Table(table);
        }
        else if (!context.OldGrammar && reader.Take("pam"))
            TakeService();
        else if (!context.OldGrammar && reader.Take("dovecot"))
            TakeSocket();
    }

    private void TakeService()
    {
        if (reader.TakeText("the PAM service", "auth pam \"smtpd\"") is not { } name)
            return;
        if (LocalActions.IsLoginService(name.Value))
            Source = new AuthSource.SystemUsers(name.Value);
        else
            reader.Fail(name.At, "`" + name.Value + "` is no name of a PAM service", "write the name of a file in /etc/pam.d, such as `auth pam \"smtpd\"`");
    }

    private void TakeSocket()
    {
        if (reader.TakeText("Dovecot's socket", "auth dovecot \"/run/dovecot/auth-client\"") is not { } path)
            return;
        if (context.CheckFiles && context.Machine.Look(path.Value).IsMissing)
        {
            context.Findings.Warning(path.At, "`" + path.Value + "` is not there: logins are put off (454) until Dovecot listens there",
                "start Dovecot, or correct the path: it is the `unix_listener` of its `service auth`");
        }
        if (path.Value.StartsWith('/') && Encoding.UTF8.GetByteCount(path.Value) <= LongestSocketPath)
            Source = new AuthSource.Dovecot(path.Value);
        else
            reader.Fail(path.At, "`" + path.Value + "` is no absolute path of a socket", "write `auth dovecot \"/run/dovecot/auth-client\"`, the `unix_listener` of Dovecot's `service auth`");
    }

    private void TakeMechanisms(SourceSpan at, Func<string, SourceSpan, bool> once)
    {
        if (!once("mechanisms", at) || reader.TakeText("the mechanisms", "mechanisms \"PLAIN LOGIN SCRAM-SHA-256\"") is not { } text)
            return;
        _mechanismsAt = text.At;
        Mechanisms = [.. text.Value.Split((char[])[' ', ','], StringSplitOptions.RemoveEmptyEntries).Select(m => m.ToUpperInvariant()).Distinct(StringComparer.Ordinal)];
        if (Mechanisms.FirstOrDefault(m => m.Length > 20 || !m.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c is '-' or '_')) is { } wrong)
            reader.Fail(text.At, "`" + wrong + "` is no name of a mechanism", "write `mechanisms \"PLAIN LOGIN\"`");
        else if (Mechanisms.IsEmpty)
            reader.Fail(text.At, "no mechanism stands here", "write `mechanisms \"PLAIN LOGIN\"`");
    }

    /// <summary>What is said about a login must fit together, whatever the order of the words.</summary>
    public void Check()
    {
        if (Demand == ListenerAuth.None)
        {
            if (_mechanismsAt is not null || WithoutTls)
                reader.Fail(_mechanismsAt ?? reader.Before, "how to log in is told, but not that one may", "add `auth` or `auth-optional`");
            return;
        }
        if (Source is AuthSource.Dovecot)
            return;
        ImmutableArray<string> known = Source is AuthSource.Table ? AuthMechanism.OfTables : AuthMechanism.OfSystemUsers;
        if (Mechanisms.FirstOrDefault(m => !known.Contains(m)) is not { } wrong)
            return;
        string? meant = Spelling.Closest(wrong, known);
        reader.Fail(_mechanismsAt ?? At, "`" + wrong + "` is not possible with " + (Source is AuthSource.Table ? "a table" : "the users of the system"),
            meant is not null ? "did you mean `" + meant + "`?" : "possible: " + string.Join(", ", known.Select(m => "`" + m + "`")));
    }

    /// <summary><c>senders</c> of <c>listen on socket</c> (E30): ours, and without <c>masquerade</c>.</summary>
    public bool TakeLocalSenders(SourceSpan at, Func<string, SourceSpan, bool> once) => !context.OldGrammar && TakeSenders(at, once);

    private bool TakeSenders(SourceSpan at, Func<string, SourceSpan, bool> once)
    {
        if (!reader.Take("senders"))
            return false;
        SendersTable = once("senders", at) ? tables.Use(reader.TakeTable("the table of senders", "senders <senders>"), TableUse.Senders) : null;
        return true;
    }
}
