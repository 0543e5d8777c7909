using System.Text;
using Estafette.Config.Model;

namespace Estafette.Program.Daemon;

/// <summary>What <c>./run</c> tells somebody who sees the program for the first time: what listens, where mail goes, and one line to paste.</summary>
internal static class Welcome
{
    public static void Print(MailConfig config, StateFolder state, string user)
    {
        string listen = string.Join(", ", config.Listeners.Select(l => l.EndPoint));
        string sendmail = Path.Combine(AppContext.BaseDirectory, "sendmail");
        string tls = config.Listeners.Any(l => l.Tls != ListenerTls.None) ? $" (STARTTLS with a self-signed certificate, {state.Certificates})" : "";
        ListenerConfig? first = config.Listeners.FirstOrDefault();
        string text = $"""

            Estafette is running (Ctrl-C stops it).
              SMTP:       {listen}{tls}
              local mail: {state.Mail}/USER/new   (any user of this machine; postmaster and root go to {user})
              the rest:   relayed by MX, for this machine only
              state:      {state.Root}

            Send a first message, in another terminal:
              printf 'Subject: hello\n\nIt works.\n' | ESTAFETTE_STATE={state.Root} {sendmail} -v {user}
            or over the network's door:
              swaks --server {first?.EndPoint.Address}:{first?.EndPoint.Port} --to {user}@localhost


            """;
        // In one write: the console's writer would cut it in pieces, with lines of the log between them.
        using Stream error = Console.OpenStandardError();
        error.Write(Encoding.UTF8.GetBytes(text));
    }
}
