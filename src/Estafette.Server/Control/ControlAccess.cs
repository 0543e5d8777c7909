using System.Net.Sockets;

namespace Estafette.Control;

/// <summary>What a user of the admin socket may be allowed.</summary>
public enum ControlRight : byte { Operate, ViewQueue, FlushQueue }

/// <summary>
/// How the admin socket knows who asks, and the one user besides root that may do everything. <see cref="Permits"/> says what other users may (postconf(5)
/// authorized_mailq_users, authorized_flush_users); nothing where a dialect has no such list.
/// </summary>
public sealed record ControlAccess(Func<Socket, uint?> UserOf, uint OwnUser)
{
    public Func<uint, ControlRight, CancellationToken, ValueTask<bool>> Permits { get; init; } = static (_, _, _) => ValueTask.FromResult(false);

    public bool MayOperate(uint? user) => user == 0 || user == OwnUser;

    public async ValueTask<bool> MayAsync(uint? user, ControlRight right, CancellationToken cancellationToken) =>
        MayOperate(user) || (right != ControlRight.Operate && user is uint other && await Permits(other, right, cancellationToken));

    public static ControlRight RightFor(string request) => request switch
    {
        "list-messages" => ControlRight.ViewQueue,
        "schedule" or "flush-site" => ControlRight.FlushQueue,
        _ => ControlRight.Operate,
    };
}
