public import NIOCore

extension SocketIOPacketEncoder {
    /// Writes an ERROR, as revision 4 of the protocol (Socket.IO 2) calls CONNECT_ERROR: the namespace is refused, for a reason
    /// of any shape.
    ///
    /// - Throws: `EncodingError`, also for binary values in the payload; nothing is written then.
    public static func encodeError(
        namespace: String = "/", payload: some Encodable, into buffer: inout ByteBuffer
    ) throws {
        let start = buffer.writerIndex
        buffer.writePacketHeader(.connectError, namespace: namespace, id: nil)
        var attachments: [ByteBuffer] = []
        do {
            try buffer.writeJSON(payload, attachments: &attachments, path: [])
            guard attachments.isEmpty else {
                let reason = "The payload of this kind of packet is without binary values."
                throw JSONWriteFailure(reason: reason).encodingError(for: payload, at: [])
            }
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }
}
