import NIOCore
import SocketIOProtocol

extension EngineSessionCore {
    /// Sends a packet that `encode` writes with the parser it is given.
    @inline(__always)
    func send(
        _ parser: SocketIOParser, compress: Bool = true,
        _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        guard parser.isDefault else { return try sendOther(parser, compress, encode) }
        // Text, straight into the connection's output.
        guard case .text(let attachments)? = try sendText(compress: compress, { try encode(.default, &$0) }) else {
            return
        }
        for attachment in attachments { send(binary: attachment, compress: compress) }
    }

    private func sendOther(
        _ parser: SocketIOParser, _ compress: Bool,
        _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        guard isOpen else { return }
        var buffer = ByteBuffer()
        switch try encode(parser, &buffer) {
        case .text(let attachments):
            try sendText(buffer, compress)
            for attachment in attachments { send(binary: attachment, compress: compress) }
        case .binary:
            send(binary: buffer, compress: compress)
        case .messages(let messages):
            for message in messages {
                switch message {
                case .text(let text): try sendText(text, compress)
                case .binary(let bytes): send(binary: bytes, compress: compress)
                }
            }
        }
    }

    private func sendText(_ text: ByteBuffer, _ compress: Bool) throws {
        _ = try sendText(compress: compress) { $0.writeImmutableBuffer(text) }
    }
}
