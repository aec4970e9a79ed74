import NIOCore
import SocketIOProtocol

extension EngineSessionCore {
    /// Sends a packet that `encode` writes with the parser it is given.
    @inline(__always)
    func send(
        _ parser: SocketIOParser, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        guard parser.isDefault else { return try sendOther(parser, encode) }
        // Text, straight into the connection's output.
        guard case .text(let attachments)? = try sendText({ try encode(.default, &$0) }) else { return }
        for attachment in attachments { send(binary: attachment) }
    }

    private func sendOther(
        _ parser: SocketIOParser, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        guard isOpen else { return }
        var buffer = ByteBuffer()
        switch try encode(parser, &buffer) {
        case .text(let attachments):
            try sendText(buffer)
            for attachment in attachments { send(binary: attachment) }
        case .binary:
            send(binary: buffer)
        case .messages(let messages):
            for message in messages {
                switch message {
                case .text(let text): try sendText(text)
                case .binary(let bytes): send(binary: bytes)
                }
            }
        }
    }

    private func sendText(_ text: ByteBuffer) throws {
        _ = try sendText { $0.writeImmutableBuffer(text) }
    }
}
