using Estafette.Config;
using Estafette.Config.Dialects.Postfix;

namespace Estafette.Program.Commands;

/// <summary>Which configuration folder a command of Postfix means (<c>postconf(1) MAIL_CONFIG</c>): the one place where postmap, postqueue, sendmail and the others find it.</summary>
internal static class PostfixEnvironment
{
    private const string Standard = "/etc/postfix";

    /// <param name="option">What <c>-c</c> says; null where it does not stand.</param>
    public static string Folder(string? option)
    {
        if (!string.IsNullOrEmpty(option))
            return PostfixReader.FolderOf(option);
        if (Environment.GetEnvironmentVariable("MAIL_CONFIG") is { Length: > 0 } named)
            return PostfixReader.FolderOf(named);
        // Another language's file tells nothing about main.cf.
        return Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG") is { Length: > 0 } own && PostfixReader.Owns(own, new LocalMachine()) ? PostfixReader.FolderOf(own) : Standard;
    }

    public static PostfixValues Values(string? option) => PostfixValues.Read(Folder(option), new LocalMachine());

    /// <summary>The commands that both languages have do Postfix's where its folder is the configuration that is meant.</summary>
    public static bool IsMeant() =>
        Environment.GetEnvironmentVariable("MAIL_CONFIG") is { Length: > 0 }
        || (Environment.GetEnvironmentVariable("ESTAFETTE_CONFIG") is { Length: > 0 } own && PostfixReader.Owns(own, new LocalMachine()));
}
