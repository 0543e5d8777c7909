using System.Globalization;
using Estafette.Config.Model;
using Estafette.Tables;

namespace Estafette.Smtpd.Auth;

/// <summary>Findings about the tables that logins are checked against, for <c>check</c> and for each configuration that comes into force. Rows are counted, never shown.</summary>
public static class CredentialsCheck
{
    public static IEnumerable<Diagnostic> Of(MailConfig config, TableSet tables)
    {
        foreach (ListenerConfig listener in config.Listeners.Where(l => l.Auth != ListenerAuth.None).DistinctBy(l => (l.AuthSource, string.Join(' ', l.AuthMechanisms))))
        {
            if (listener.AuthSource is not AuthSource.Table table || tables.Digest(table.Name, CredentialsShape.Of) is not { Rows: > 0 } shape)
                continue;
            if (shape.Unusable > 0)
            {
                yield return new Diagnostic(Severity.Warning, config.Tables.TryGetValue(table.Name, out TableConfig? rows) ? rows.At : listener.At,
                    $"{Of(shape.Unusable, shape.Rows)} of the table `{table.Name}` hold nothing that a password could fit, so those logins always fail",
                    "write what `smtpctl encrypt` prints in the place of passwords in clear");
            }
            if (listener.AuthMechanisms.Any(m => m is AuthMechanism.Scram or AuthMechanism.ScramPlus) && !shape.IsAllScram)
            {
                yield return new Diagnostic(Severity.Warning, listener.At,
                    $"`mechanisms` names SCRAM, but {Of(shape.Rows - shape.Verifiers, shape.Rows)} of the table `{table.Name}` cannot do it: clients that prefer it fail to log in",
                    "make these rows with `smtpctl encrypt --scheme scram-sha-256`");
            }
        }
    }

    private static string Of(int some, int all) => string.Create(CultureInfo.InvariantCulture, $"{some} of {all} rows");
}
