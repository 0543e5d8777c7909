using System.Text;
using Estafette.Config.Model;
using Estafette.Program.Daemon;

namespace Estafette.Program.Submission;

/// <summary>
/// What local commands need to know of the running configuration and cannot read themselves: the host's mail name and the dialect's habits.
/// The daemon leaves it in the public folder, so that it is there while the daemon is down.
/// </summary>
internal sealed record SubmissionProfile(string HostName, Dialect Dialect)
{
    /// <summary>How wide listings make their first column (postconf(5) enable_long_queue_ids).</summary>
    public bool LongQueueIds { get; init; }

    public static SubmissionProfile Of(MailConfig config) => new(config.HostName, config.Dialect) { LongQueueIds = config.Operation.LongQueueIds };

    /// <summary>sendmail of OpenSMTPD takes a lone dot as text; the others end there unless told <c>-i</c>.</summary>
    public bool LoneDotEndsMessage => Dialect is Dialect.Postfix or Dialect.Qmail;

    public void Write(StateFolder state)
    {
        string temporary = state.Profile + ".new";
        File.WriteAllText(temporary, $"host {HostName}\ndialect {Dialect}\n{(LongQueueIds ? "long-queue-ids\n" : "")}", new UTF8Encoding(false));
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(temporary, state.Profile, overwrite: true);
    }

    /// <summary>Postfix's folder is what runs, or, before a daemon ever ran, what the environment names.</summary>
    public static bool IsPostfix(StateFolder state) => File.Exists(state.Profile) ? Read(state).Dialect == Dialect.Postfix : Commands.PostfixEnvironment.IsMeant();

    /// <summary>The profile, or a guess from the machine where none was left.</summary>
    public static SubmissionProfile Read(StateFolder state)
    {
        var profile = new SubmissionProfile(System.Net.Dns.GetHostName(), Dialect.OpenSmtpd);
        try
        {
            foreach (string line in File.ReadLines(state.Profile).Take(16))
            {
                if (line.StartsWith("host ", StringComparison.Ordinal))
                    profile = profile with { HostName = line[5..] };
                else if (line.StartsWith("dialect ", StringComparison.Ordinal) && Enum.TryParse(line[8..], out Dialect dialect))
                    profile = profile with { Dialect = dialect };
                else if (line == "long-queue-ids")
                    profile = profile with { LongQueueIds = true };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The guess stands: a command must work before the daemon ever ran.
        }
        return profile;
    }
}
