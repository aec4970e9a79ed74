/// A revision of the Engine.IO protocol.
public enum EngineRevision: UInt8, Hashable, Sendable {
    /// Spoken by Socket.IO 1 and 2: the client pings, lengths stand before the packets of a payload, a binary message has its
    /// type in front.
    case three = 3
    /// Spoken by Socket.IO 3 and later.
    case four = 4
}
