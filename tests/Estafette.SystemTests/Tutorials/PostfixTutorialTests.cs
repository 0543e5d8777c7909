using Estafette.SystemTests.Harness;

namespace Estafette.SystemTests.Tutorials;

/// <summary>
/// The article "Serveur mail avec Postfix" for CentOS (rows P4 to P23) and the course of Centrale (rows V1 to V16), typed step by step: the commands and their answers stand in
/// the `scenario` of each folder, and what Postfix did with them in its `expected.txt`.
/// </summary>
public sealed class PostfixTutorialTests
{
    [Theory]
    [InlineData("postfix-centos")]
    [InlineData("postfix-course")]
    public async Task P4_to_P23_V1_to_V16_every_step_ends_as_with_Postfix(string tutorial) =>
        await SideBySide.SameAsPostfixAsync("--scenario", Path.Combine(SideBySide.Tests, "Estafette.SystemTests", "Tutorials", tutorial));
}
