package import NIOCore

/// What a peer said: a whole message, however many frames it came in, or a control frame.
package enum WebSocketEvent: Hashable, Sendable {
    /// A text message: valid UTF-8.
    case text(ByteBuffer)
    /// A binary message.
    case binary(ByteBuffer)
    /// Answer with a pong of the same payload (at most 125 bytes).
    case ping(ByteBuffer)
    /// The answer to a ping, or an unsolicited sign of life.
    case pong(ByteBuffer)
    /// The peer closes; nothing comes after it. The code is `nil` when the frame was empty.
    case close(code: WebSocketCloseCode?, reason: String)
}
