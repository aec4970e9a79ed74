import EngineIOProtocol
import JunctionWebSocket
import NIOCore
import SocketIOProtocol

/// A packet encoded once for many sessions: as WebSocket frames in one buffer, and as packets for polling.
struct EncodedMessage: Sendable {
    /// All messages of the packet, ready for the wire.
    let webSocketFrames: ByteBuffer
    private let buffer: ByteBuffer
    private let encoded: EncodedPacket

    /// Encodes a packet that `encode` writes with the parser it is given.
    init(
        _ parser: SocketIOParser, _ encode: (SocketIOParser, inout ByteBuffer) throws -> EncodedPacket
    ) throws {
        var buffer = ByteBuffer()
        self.encoded = try encode(parser, &buffer)
        self.buffer = buffer
        self.webSocketFrames = Self.frames(buffer, encoded)
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
    var packets: [EnginePacket] {
        switch encoded {
        case .text(let attachments): [EnginePacket(.message, buffer)] + attachments.map(EnginePacket.init(binary:))
        case .binary: [EnginePacket(binary: buffer)]
        case .messages(let messages): messages.map(EnginePacket.init)
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
