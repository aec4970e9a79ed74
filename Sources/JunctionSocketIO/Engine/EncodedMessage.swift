import EngineIOProtocol
import JunctionWebSocket
package import NIOCore
package import SocketIOProtocol

/// A packet encoded once for many sessions: as WebSocket frames in one buffer, and as packets for polling.
package struct EncodedMessage: Sendable {
    /// All messages of the packet, ready for the wire.
    let webSocketFrames: SharedFrames
    /// A later message of this key makes this one worthless for a client that is behind.
    let key: String?
    private let buffer: ByteBuffer
    private let encoded: EncodedPacket

    /// Encodes a packet that `encode` writes with the parser it is given.
    ///
    /// - Parameter key: what later messages replace it by, where it waits.
    package init(
        _ parser: SocketIOParser, key: String? = nil,
        _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        var buffer = ByteBuffer()
        self.encoded = try encode(parser, &buffer)
        self.buffer = buffer
        self.key = key
        self.webSocketFrames = SharedFrames(plain: Self.frames(buffer, encoded))
    }

    /// A text message that was written before.
    init(text: ByteBuffer) {
        self.encoded = .text(attachments: [])
        self.buffer = text
        self.key = nil
        self.webSocketFrames = SharedFrames(plain: Self.frames(text, encoded))
    }

    private static func frames(_ buffer: ByteBuffer, _ encoded: EncodedPacket) -> ByteBuffer {
        var frames = ByteBuffer()
        switch encoded {
        case .text(let attachments):
            frames.reserveCapacity(buffer.readableBytes + attachments.reduce(16) { $0 + $1.readableBytes + 16 })
            frames.writeTextFrame(buffer)
            for attachment in attachments { WebSocketFrameEncoder.write(.binary, attachment, into: &frames) }
        case .binary:
            frames.reserveCapacity(buffer.readableBytes + 16)
            WebSocketFrameEncoder.write(.binary, buffer, into: &frames)
        case .messages(let messages):
            for message in messages {
                switch message {
                case .text(let text): frames.writeTextFrame(text)
                case .binary(let bytes): WebSocketFrameEncoder.write(.binary, bytes, into: &frames)
                }
            }
        }
        return frames
    }

    /// The same for a session that polls.
    var packets: [EnginePacket] { messages.map(EnginePacket.init) }

    /// Some of its messages are, or may be, binary.
    var hasBinary: Bool {
        if case .text(let attachments) = encoded { !attachments.isEmpty } else { true }
    }

    /// The messages of the packet, in their order.
    package var messages: [SocketIOMessage] {
        switch encoded {
        case .text(let attachments): [.text(buffer)] + attachments.map(SocketIOMessage.binary)
        case .binary: [.binary(buffer)]
        case .messages(let messages): messages
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeTextFrame(_ text: ByteBuffer) {
        WebSocketFrameEncoder.write(.text, into: &self) { buffer in
            buffer.writeInteger(EnginePacket.Kind.message.byte)
            buffer.writeImmutableBuffer(text)
        }
    }
}

extension EnginePacket {
    fileprivate init(_ message: SocketIOMessage) {
        switch message {
        case .text(let text): self.init(.message, text)
        case .binary(let bytes): self.init(binary: bytes)
        }
    }
}
