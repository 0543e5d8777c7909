using Estafette.Tables;

namespace Estafette.Tests.Tables.Maps;

/// <summary>What hostile keys make of a table of hostile patterns.</summary>
[Collection(nameof(Alone))]
public sealed class ExpressionCostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task E60_many_catastrophes_in_one_table_take_bounded_memory()
    {
        string path = _folder.Write("rules", string.Concat(Enumerable.Range(0, 70).Select(i => $"/^(a+)+b{i}$/ x\n")));
        TableSet tables = MapBench.Set("pcre:" + path);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 2; i++)
            Assert.IsType<TableAnswer.NotFound>(await tables.FindAsync(["pcre:" + path], new string('a', 200), CancellationToken.None));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, 0, 200 << 20);
    }

    public void Dispose() => _folder.Dispose();
}
