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
    init(text: ByteBuffer) { self.init(.text(attachments: []), text) }

    /// An event that was kept in the format of the protocol, for clients of `parser`.
    init(kept text: ByteBuffer, _ attachments: [ByteBuffer], _ parser: SocketIOParser) {
        if !parser.isDefault, let message = try? Self.translated(text, attachments, parser) {
            self = message
        } else {
            self.init(.text(attachments: attachments), text)
        }
    }

    private init(_ encoded: EncodedPacket, _ buffer: ByteBuffer) {
        self.encoded = encoded
        self.buffer = buffer
        self.key = nil
        self.webSocketFrames = SharedFrames(plain: Self.frames(buffer, encoded))
    }

    private static func translated(
        _ text: ByteBuffer, _ attachments: [ByteBuffer], _ parser: SocketIOParser
    ) throws -> EncodedMessage {
        let kept = EncodedMessage(.text(attachments: attachments), text)
        let namespace = try kept.decoded(by: .default).namespace
        var arguments = try EventArguments(sent: kept, .default)
        let (name, values) = (arguments.event ?? "", try arguments.remaining())
        return try EncodedMessage(parser) { parser, buffer in
            try parser.encodeEvent(name, arguments: values, namespace: namespace, into: &buffer)
        }
    }

    /// The packet in the format of the protocol; nil in any other.
    var textAndAttachments: (ByteBuffer, [ByteBuffer])? {
        if case .text(let attachments) = encoded { (buffer, attachments) } else { nil }
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

    /// The packet as its receiver would decode it, without limits: this side made it.
    func decoded(by parser: SocketIOParser) throws -> SocketIOPacket {
        var decoder = SocketIOPacketDecoder(
            parser: parser,
            limits: SocketIOLimits(
                maxAttachments: .max, maxDepth: .max, maxPacketBytes: .max, maxNamespaceBytes: .max))
        var packet: SocketIOPacket?
        for message in messages {
            switch message {
            case .text(let text): packet = try decoder.decode(text: text)
            case .binary(let bytes): packet = try decoder.decode(binary: bytes)
            }
        }
        guard let packet else { throw SocketIOError(code: .notEncodable, message: "an attachment is missing") }
        return packet
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
