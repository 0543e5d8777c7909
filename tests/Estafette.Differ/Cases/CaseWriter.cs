namespace Estafette.Differ.Cases;

/// <summary>One seed, one case: a base, some features of configuration, and mail that meets them; written as a scenario folder.</summary>
internal static class CaseWriter
{
    private static readonly Action<Case>[] s_features =
    [
        Places.Aliases, Places.Forwards, Places.Mailboxes, Places.Commands, Places.UnknownUsers,
        Domains.VirtualAliases, Domains.VirtualMailboxes, Domains.Relayed,
        Rewriting.Canonical, Rewriting.Masquerade, Rewriting.Relocated, Rewriting.Generic, Rewriting.BlindCopies, Rewriting.Forms,
        Routes.Transport, Routes.RelayHost, Routes.BySender, Routes.Pipes, Routes.Lmtp,
        Restrictions.Access, Restrictions.Dns, Restrictions.Limits, Restrictions.Replies,
        Contents.HeaderChecks, Contents.BodyChecks, Contents.Notices,
    ];

    /// <summary>The folder that it wrote.</summary>
    public static string Write(int seed, string output)
    {
        Case made = Make(seed);
        string folder = Path.Combine(output, $"seed-{seed:00000}");
        string files = Path.Combine(folder, "fs");
        if (Directory.Exists(files))
            Directory.Delete(files, recursive: true);
        foreach ((string path, string text) in made.Files.Append(new("/etc/postfix/main.cf", made.MainCf())).Append(new("/etc/postfix/master.cf", made.MasterCf())))
        {
            string file = files + path;
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }
        string scenario = made.Scenario(Correspondence.Write(made));
        File.WriteAllText(Path.Combine(folder, "scenario"), scenario);
        return folder;
    }

    private static Case Make(int seed)
    {
        var made = new Case(seed);
        Base.Settings(made);
        foreach (Action<Case> feature in made.Dice.Some(2, 5, s_features))
            feature(made);
        return made;
    }
}
