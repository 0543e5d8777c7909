namespace Estafette.Spool;

/// <summary>What keeps the spool from its work: a failure, which stays until a restart, or a lack of room, which passes.</summary>
internal sealed class SpoolHealth
{
    private volatile SpoolTrouble? _failure;
    private volatile SpoolTrouble? _full;

    public SpoolTrouble? Trouble => _failure ?? _full;

    public bool IsBroken => _failure is not null;

    /// <summary>Notes a trouble; the first failure stays.</summary>
    public SpoolStatus Note(SpoolTrouble trouble)
    {
        if (trouble.Status == SpoolStatus.Full)
            _full = trouble;
        else
            _failure ??= trouble;
        return trouble.Status;
    }

    public void RoomIsBack() => _full = null;
}
