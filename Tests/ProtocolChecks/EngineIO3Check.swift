import EngineIOProtocol
import NIOCore

/// Payloads of Engine.IO, revision 3, as text, as bytes and in the form of JSONP.
///
/// - A payload has no more packets than allowed.
/// - What was read, written again in either form and read again, is the same.
enum EngineIO3Check {
    /// The most packets of a payload here: few, so that short inputs reach the limit.
    private static let maxPackets = 16

    static func check(_ input: [UInt8]) throws {
        let body = ByteBuffer(bytes: input)
        if let packets = try? EngineRevision3Payload.decode(text: body, maxPackets: maxPackets) { try check(packets) }
        if let packets = try? EngineRevision3Payload.decode(binary: body, maxPackets: maxPackets) { try check(packets) }
        _ = try? EnginePacket(text: body, revision: .three)
        _ = try? EnginePacket(typedBinary: body)
        _ = try? EngineDialect(revision: .three, jsonpIndex: 0).decodePayload(body, contentType: nil)
    }

    private static func check(_ packets: [EnginePacket]) throws {
        try ProtocolFault.require(packets.count <= maxPackets, "\(packets.count) packets")
        guard !packets.isEmpty else { return }
        var (text, bytes) = (ByteBuffer(), ByteBuffer())
        EngineRevision3Payload.encodeText(packets, into: &text)
        EngineRevision3Payload.encodeBinary(packets, into: &bytes)
        guard let fromText = try? EngineRevision3Payload.decode(text: text),
            let fromBytes = try? EngineRevision3Payload.decode(binary: bytes)
        else { throw ProtocolFault("\(packets) cannot be read") }
        try ProtocolFault.require(
            fromText == packets && fromBytes == packets, "\(packets) became \(fromText) and \(fromBytes)")
    }
}
