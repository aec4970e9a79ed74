/// The events that have a meaning of their own on either side, so that none can be sent by that name.
public enum ReservedEvent: String, CaseIterable, Hashable, Sendable {
    case connect
    case connectError = "connect_error"
    case disconnect
    case disconnecting
    case newListener
    case removeListener

    /// Whether an event must not be called `name`.
    public static func contains(_ name: String) -> Bool {
        self.mayContain(nameStartingWith: name.utf8.first) && self.init(rawValue: name) != nil
    }

    /// Spares most names the comparison.
    @inline(__always)
    static func mayContain(nameStartingWith first: UInt8?) -> Bool {
        switch first {
        case UInt8(ascii: "c"), UInt8(ascii: "d"), UInt8(ascii: "n"), UInt8(ascii: "r"): true
        default: false
        }
    }

    static func encodingError(_ name: String) -> EncodingError {
        JSONWriteFailure(reason: "\"\(name)\" is a reserved event name.").encodingError(for: name, at: [])
    }
}
