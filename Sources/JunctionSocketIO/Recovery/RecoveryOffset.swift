import NIOCore

/// The string that a client gives back to say how much it has seen: the namespace's tag and the event's number.
///
/// The tag keeps strings of applications apart from offsets: a client takes any string that an event ends with for one.
struct RecoveryOffset: Sendable {
    /// Six characters of base64url, and a full stop.
    let tag: String

    /// A tag that no other store has.
    static func makeTag() -> String { String(SessionID.make().prefix(6)) + "." }

    func text(_ sequence: UInt64) -> String { tag + String(sequence, radix: 36) }

    /// The number that an offset of this namespace stands for; nil for everything else.
    func sequence(_ text: String) -> UInt64? {
        guard text.hasPrefix(tag) else { return nil }
        let digits = text.dropFirst(tag.count)
        guard let sequence = UInt64(digits, radix: 36), String(sequence, radix: 36) == digits else { return nil }
        return sequence
    }

    /// The packet of an event with the offset as its last argument.
    func append(_ sequence: UInt64, to packet: ByteBuffer) -> ByteBuffer {
        var text = packet
        text.moveWriterIndex(to: max(text.readerIndex, text.writerIndex - 1))  // the bracket that ends the arguments
        text.writeString(",\"\(tag)\(String(sequence, radix: 36))\"]")
        return text
    }
}
