package import NIOCore

/// What has become of a packet that was encoded into a buffer.
package enum EncodedPacket: Sendable {
    /// The buffer has a text message; a binary message for each of these follows it.
    case text(attachments: [ByteBuffer])
    /// The buffer has one binary message.
    case binary
    /// Nothing was written to the buffer: these are the messages.
    case messages([SocketIOMessage])
}
