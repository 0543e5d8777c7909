using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Peers;

/// <summary>Lets s-nail, which needs no terminal, open a mailbox and list what it finds.</summary>
internal static class MailReader
{
    public static async Task<int> CountAsync(LocalDeliveryRig rig, string mailbox)
    {
        var environment = new Dictionary<string, string> { ["HOME"] = rig.Folder.Path, ["TERM"] = "dumb" };
        CommandResult result = await Command.RunAsync("/usr/bin/s-nail", ["-:/", "-R", "-H", "-f", mailbox], environment: environment);
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.Output.Split('\n').Count(l => l.Contains("a@client.test", StringComparison.Ordinal));
    }
}
