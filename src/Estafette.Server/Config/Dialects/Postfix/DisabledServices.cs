using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>Leaves out the services that <c>master_service_disable</c> names (<c>postconf(5)</c>): by type (<c>inet</c>) or by name and type (<c>submission/inet</c>); <c>!</c> excepts.</summary>
internal static class DisabledServices
{
    public const string Parameter = "master_service_disable";

    public static ImmutableArray<ServiceEntry> Without(PostfixSettings settings)
    {
        var scope = new ParameterScope(settings);
        ImmutableArray<string> patterns = Words.Split(scope.Expand(scope.Raw(Parameter) ?? "", out _) ?? "");
        return patterns.IsEmpty ? settings.Services : settings.Services.RemoveAll(s => IsOff(s, patterns));
    }

    /// <summary>A word that can name no service is told; one that names none of these is not.</summary>
    public static void Check(ParameterReader reader)
    {
        foreach (string word in reader.Words(Parameter))
        {
            string pattern = word.TrimStart('!');
            string type = pattern[(pattern.LastIndexOf('/') + 1)..];
            if (type is not ("inet" or "unix" or "unix-dgram" or "fifo" or "pass"))
                reader.Fail(Parameter, "bad " + Parameter + " pattern: \"" + word + "\"", "write a type, such as inet, or name/type, such as submission/inet");
        }
    }

    /// <summary>The first pattern that matches decides.</summary>
    private static bool IsOff(ServiceEntry service, ImmutableArray<string> patterns)
    {
        foreach (string word in patterns)
        {
            string pattern = word.TrimStart('!');
            if (pattern == service.Type || pattern == service.Key)
                return (word.Length - pattern.Length) % 2 == 0;
        }
        return false;
    }
}
