using System.Reflection;

namespace Estafette.Program.Commands;

internal static class VersionText
{
    public static string Value { get; } = typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
