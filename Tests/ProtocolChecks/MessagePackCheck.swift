import NIOCore
import SocketIOProtocol

/// Packets of Socket.IO in MessagePack.
///
/// - Every packet that is accepted keeps to the limits, and its arguments can be read as values of any shape.
/// - What was read, written again and read again, is the same; what was written is the shortest form, and written the same
///   from then on.
enum MessagePackCheck {
    static func check(_ input: [UInt8]) throws {
        try self.checkPacket(input)
        // Most bytes are no packet: as an argument of one they get further.
        let head: [UInt8] = [0x83, 0xA4] + Array("type".utf8) + [2, 0xA3] + Array("nsp".utf8) + [0xA1, 0x2F, 0xA4]
        try self.checkPacket(head + Array("data".utf8) + [0x92, 0xA1, 0x61] + input)
    }

    private static func checkPacket(_ bytes: [UInt8]) throws {
        var decoder = SocketIOPacketDecoder(parser: .messagePack)
        let packet: SocketIOPacket?
        do throws(SocketIOParseError) {
            packet = try decoder.decode(binary: ByteBuffer(bytes: bytes))
        } catch {
            return try ProtocolFault.require(
                (0...bytes.count).contains(error.offset) || error.code == .limitExceeded,
                "an error at \(error.offset) of \(bytes.count)")
        }
        guard let packet else { throw ProtocolFault("neither a packet nor an error") }
        try ProtocolFault.require(
            packet.namespace.utf8.count <= decoder.limits.maxNamespaceBytes, "beyond the limits: \(packet)")
        try PacketCheck(packet).checkReading()
        try PacketCheck(packet).checkRoundTrip(.messagePack)
    }
}
