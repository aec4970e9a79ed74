import EngineIOProtocol
import NIOCore

/// Payloads and packets of Engine.IO, revision 4.
///
/// - A payload has no more packets than allowed.
/// - What was read, written again and read again, is the same, and has the length that was foretold.
enum EngineIOCheck {
    /// The most packets of a payload here: few, so that short inputs reach the limit.
    private static let maxPackets = 16

    static func check(_ input: [UInt8]) throws {
        let body = ByteBuffer(bytes: input)
        if let packet = try? EnginePacket(text: body) { try self.check([packet]) }
        guard let packets = try? EnginePayload.decode(body, maxPackets: self.maxPackets) else { return }
        try ProtocolFault.require((1...self.maxPackets).contains(packets.count), "\(packets.count) packets")
        try self.check(packets)
    }

    private static func check(_ packets: [EnginePacket]) throws {
        // A single text frame may hold the separator, or bytes that are no text: the layer below checks those.
        guard packets.allSatisfy(self.isText) else { return }
        var written = ByteBuffer()
        EnginePayload.encode(packets, into: &written)
        let length = packets.reduce(packets.count - 1) { $0 + EnginePayload.encodedLength(of: $1) }
        try ProtocolFault.require(written.readableBytes == length, "\(length) foretold, \(written)")
        guard let again = try? EnginePayload.decode(written) else { throw ProtocolFault("\(packets) cannot be read") }
        try ProtocolFault.require(again == packets, "\(packets) became \(again)")
        for limit in [1, length / 2, length] {
            let count = EnginePayload.prefixCount(of: packets, maxPayload: limit)
            var prefix = ByteBuffer()
            EnginePayload.encode(packets.prefix(count), into: &prefix)
            try ProtocolFault.require(
                count == 1 || prefix.readableBytes <= limit, "\(count) packets are more than \(limit) bytes")
        }
    }

    private static func isText(_ packet: EnginePacket) -> Bool {
        guard case .text(let text) = packet.body else { return true }
        let bytes = Array(text.readableBytesView)
        return !bytes.contains(0x1E) && String(validating: bytes, as: UTF8.self) != nil
    }
}
