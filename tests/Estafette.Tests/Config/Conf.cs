using Estafette.Config;
using Estafette.Config.Dialects.OpenSmtpd;
using Estafette.Config.Model;

namespace Estafette.Tests.Config;

/// <summary>Reads a configuration text as the file <c>smtpd.conf</c>.</summary>
internal static class Conf
{
    public static ConfigResult Read(string text, MachineInMemory? machine = null) =>
        SmtpdConfReader.Read("smtpd.conf", new ReadOptions { Machine = (machine ?? new MachineInMemory()).With("smtpd.conf", text, "640") });

    /// <summary>The model of a text that must be without errors.</summary>
    public static MailConfig Good(string text, MachineInMemory? machine = null)
    {
        ConfigResult result = Read(text, machine);
        Assert.True(result.Config is not null, Printed(result));
        return result.Config;
    }

    public static string Printed(ConfigResult result) => new DiagnosticPrinter(result.Sources).Print(result.Diagnostics);

    /// <summary>Everything that is printed for a text, in one string with line ends as written.</summary>
    public static string Findings(string text, MachineInMemory? machine = null) => Printed(Read(text, machine)).TrimEnd('\n');

    public static void Expect(string text, string printed, MachineInMemory? machine = null) => Assert.Equal(printed, Findings(text, machine));
}
