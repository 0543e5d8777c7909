using System.Collections.Immutable;
using System.Security.Cryptography;
using Estafette.Config.Model;
using Estafette.Smtp;
using Estafette.Tables;

namespace Estafette.Smtpd.Auth;

/// <summary>
/// Logins from a credentials table. SCRAM is offered where every row is a verifier, so that it works for everybody, or where the listener names it; PLAIN and LOGIN always
/// work. A login that is not in the table costs what one of the table costs.
/// </summary>
internal sealed class TableLogins(string table, ImmutableArray<string> wanted, TableSet tables) : LoginSource
{
    /// <summary>A made-up salt must be the same each time somebody asks, after a restart too: else the salts that stay tell who exists. Strangers do not know it, and a verifier of the table goes in with it.</summary>
    private static readonly byte[] s_secret = Secret();

    private static byte[] Secret()
    {
        try
        {
            string machine = Config.RegularFile.ReadText("/etc/machine-id", 1024);
            if (machine.Length > 0)
                return HMACSHA256.HashData("estafette: salts of logins that do not exist"u8, System.Text.Encoding.UTF8.GetBytes(machine));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then the salts last as long as this process.
        }
        return RandomNumberGenerator.GetBytes(32);
    }

    public override ValueTask<ImmutableArray<string>> MechanismsAsync(LoginContext context, CancellationToken cancellationToken)
    {
        ImmutableArray<string> named = wanted;
        if (named.IsEmpty)
        {
            named = tables.Digest(table, CredentialsShape.Of).IsAllScram
                ? [AuthMechanism.ScramPlus, AuthMechanism.Scram, AuthMechanism.Plain, AuthMechanism.Login]
                : [AuthMechanism.Plain, AuthMechanism.Login];
        }
        return ValueTask.FromResult(named.RemoveAll(m => m switch
        {
            AuthMechanism.Plain or AuthMechanism.Login => !context.MayAskPassword,
            AuthMechanism.ScramPlus => !context.Bindings.Any,
            _ => false,
        }));
    }

    public override AuthExchange Begin(string mechanism, LoginContext context)
    {
        SaslServer server = mechanism switch
        {
            AuthMechanism.Scram or AuthMechanism.ScramPlus => new ScramServer(mechanism == AuthMechanism.ScramPlus, context.Bindings)
            {
                OfferedPlus = context.Offered.Contains(AuthMechanism.ScramPlus),
            },
            _ => SaslServer.Create(System.Text.Encoding.ASCII.GetBytes(mechanism))!,
        };
        return new Exchange(server, context, table, tables);
    }

    private sealed class Exchange(SaslServer server, LoginContext context, string table, TableSet tables) : OwnExchange(server, context)
    {
        protected override async ValueTask<CredentialCheck> VerifyAsync(SaslStep.Claim claim, CheckTurn turn, CancellationToken cancellationToken)
        {
            TableAnswer answer = await tables.LookupAsync(table, claim.Login, cancellationToken);
            if (answer is TableAnswer.Unavailable)
                return CredentialCheck.Unavailable;
            string model = tables.Digest(table, CredentialsShape.Of).Model;
            return await Context.Passwords.VerifyAsync((answer as TableAnswer.Found)?.Value, model, claim.Password, turn, cancellationToken);
        }

        protected override async ValueTask<(ScramVerifier?, bool)> VerifierAsync(string login, CancellationToken cancellationToken)
        {
            TableAnswer answer = await tables.LookupAsync(table, login, cancellationToken);
            if (answer is TableAnswer.Unavailable)
                return (null, false);
            if (answer is TableAnswer.Found found && ScramVerifier.TryParse(found.Value, out ScramVerifier? verifier))
                return (verifier, true);
            ScramVerifier.TryParse(tables.Digest(table, CredentialsShape.Of).Model, out ScramVerifier? model);
            return (ScramVerifier.Imaginary(login, s_secret, model), false);
        }
    }
}
