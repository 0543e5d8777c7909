namespace Estafette.Tables;

/// <summary>How keys of Postfix's tables are folded, for who writes them.</summary>
public static class MapKey
{
    public static string Fold(string key) => KeyText.FoldText(key);
}
