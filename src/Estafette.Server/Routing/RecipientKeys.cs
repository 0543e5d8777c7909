using System.Security.Cryptography;

namespace Estafette.Routing;

/// <summary>
/// Recipient keys that look random and cannot meet within a message: a counter from a random start, sent through a permutation of the 32-bit
/// numbers, so four thousand million keys go by before one comes again.
/// </summary>
internal sealed class RecipientKeys
{
    private uint _counter = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));

    public uint Next()
    {
        uint key = Interlocked.Increment(ref _counter);
        key = (key ^ (key >> 16)) * 0x85ebca6b;
        key = (key ^ (key >> 13)) * 0xc2b2ae35;
        return key ^ (key >> 16);
    }
}
