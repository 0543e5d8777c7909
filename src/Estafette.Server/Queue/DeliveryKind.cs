namespace Estafette.Queue;

/// <summary>The two sorts of delivery an operator can pause apart: relaying (OpenSMTPD's mta) and delivery on this machine (its mda).</summary>
public enum DeliveryKind : byte { Relay, Local }
