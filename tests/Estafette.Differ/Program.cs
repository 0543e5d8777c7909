using Estafette.Differ;
using Estafette.Differ.Observing;
using Estafette.Differ.Sandbox;

if (args is ["inside", var folder, var target])
{
    Console.Out.Write(new ScenarioRunner(Scenario.Load(folder), folder, target == "estafette").Run().Write());
    Console.Out.Flush();
    return 0;
}
return await Campaign.MainAsync(args);
