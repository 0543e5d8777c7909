using Estafette.Mail;

namespace Estafette.Queue;

/// <summary>Where a message goes that has just become durable.</summary>
internal interface INewMail
{
    /// <summary>True where a message may be leased with its commit; else it waits in the spool for its turn.</summary>
    bool HasRoom { get; }

    void Committed(Envelope envelope, bool leased);
}
