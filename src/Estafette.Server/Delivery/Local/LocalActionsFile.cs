using Estafette.Config;
using Estafette.Mail;

namespace Estafette.Delivery.Local;

/// <summary>Writes the compiled actions where the privileged side reads them, whole or not at all (<see cref="WholeFile"/>).</summary>
public static class LocalActionsFile
{
    public static void Write(string path, LocalActions actions) => WholeFile.Write(path, LocalActionsCodec.Encode(actions));
}
