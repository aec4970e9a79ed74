import EngineIOProtocol
import JunctionWebSocket
package import NIOCore

/// A message encoded once for many sessions: as WebSocket frames in one buffer, and as packets for polling.
package struct EncodedMessage: Sendable {
    /// The text and its attachments, ready for the wire.
    let webSocketFrames: ByteBuffer
    /// The packet of the layer above.
    package let text: ByteBuffer
    /// The binary messages that follow it.
    package let attachments: [ByteBuffer]

    /// - Parameters:
    ///   - text: the packet of the layer above.
    ///   - attachments: the binary messages that follow it.
    init(text: ByteBuffer, attachments: [ByteBuffer]) {
        var frames = ByteBuffer()
        frames.reserveCapacity(text.readableBytes + attachments.reduce(16) { $0 + $1.readableBytes + 16 })
        WebSocketFrameEncoder.write(.text, into: &frames) { buffer in
            buffer.writeInteger(EnginePacket.Kind.message.byte)
            buffer.writeImmutableBuffer(text)
        }
        for attachment in attachments { WebSocketFrameEncoder.write(.binary, attachment, into: &frames) }
        self.webSocketFrames = frames
        self.text = text
        self.attachments = attachments
    }

    /// The same for a session that polls.
    var packets: [EnginePacket] {
        [EnginePacket(.message, text)] + attachments.map(EnginePacket.init(binary:))
    }
}
