import NIOCore
import SocketIOProtocol

/// JSON as the payload of an acknowledgement, with the bytes as its only argument where they allow it.
///
/// What is accepted can be read, and written it is a text that is read as the same and written the same.
enum JSONCheck {
    static func check(_ input: [UInt8]) throws {
        let text = Array("30[".utf8) + input + [UInt8(ascii: "]")]
        var decoder = SocketIOPacketDecoder()
        guard let packet = try? decoder.decode(text: ByteBuffer(bytes: text)) else { return }
        try PacketCheck(packet).checkReading()
        try PacketCheck(packet).checkRoundTrip(.default)
        var arguments = try EventArguments(packet)
        let written = try self.written(arguments.remaining())
        guard let again = try? decoder.decode(text: written) else { throw ProtocolFault("what was written is refused") }
        var readAgain = try EventArguments(again)
        try ProtocolFault.require(
            try self.written(readAgain.remaining()) == written, "written twice: \(String(buffer: written))")
    }

    private static func written(_ values: [SocketIOValue]) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        _ = try SocketIOPacketEncoder.encodeAck(id: 0, arguments: values, into: &buffer)
        return buffer
    }
}
