namespace Estafette.Tests;

/// <summary>Tests that measure the whole process (memory, allocation): nothing else may run meanwhile, so they come after all others, one by one.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
