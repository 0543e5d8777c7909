using System.Security.Cryptography;
using Estafette.Mail;

namespace Estafette.Spool;

/// <summary>
/// Gives out message ids: seconds of the wall clock in the high half, a random low half that nobody who waits or is being received has (E58).
/// Not synchronised: the store calls it under its own lock.
/// </summary>
internal sealed class MessageIdSource(TimeProvider clock)
{
    public MessageId Next(Func<uint, bool> isTaken)
    {
        Span<byte> random = stackalloc byte[sizeof(uint)];
        uint low;
        do
        {
            RandomNumberGenerator.Fill(random);
            low = BitConverter.ToUInt32(random);
        }
        while (low == 0 || isTaken(low));
        return new MessageId((ulong)(uint)clock.GetUtcNow().ToUnixTimeSeconds() << 32 | low);
    }
}
