import NIOCore
package import SocketIOProtocol

/// An event for many sockets, before it is encoded: an adapter may add arguments, and carry it to other servers in any format.
package struct EventPacket: Sendable {
    /// The event's name.
    package var name: String
    /// What is sent with it.
    package var arguments: [any Encodable & Sendable]
    /// What the acknowledgements will carry.
    package var id: UInt64?

    package init(name: String, arguments: [any Encodable & Sendable], id: UInt64? = nil) {
        self.name = name
        self.arguments = arguments
        self.id = id
    }

    init<each Argument: Encodable & Sendable>(_ name: String, _ arguments: repeat each Argument) {
        var list: [any Encodable & Sendable] = []
        repeat list.append(each arguments)
        self.init(name: name, arguments: list)
    }

    /// The arguments as they would arrive, for an adapter that writes them in a format of its own.
    ///
    /// - Throws: `EncodingError`.
    package func decodedArguments() throws -> EventArguments {
        var buffer = ByteBuffer()
        let attachments = try SocketIOPacketEncoder.encodeAck(id: 0, arguments: arguments, into: &buffer)
        var decoder = SocketIOPacketDecoder(
            limits: SocketIOLimits(maxAttachments: .max, maxDepth: .max, maxPacketBytes: .max))
        var packet = try decoder.decode(text: buffer)
        for attachment in attachments { packet = try decoder.decode(binary: attachment) }
        guard let packet else {
            throw EncodingError.invalidValue(
                arguments, .init(codingPath: [], debugDescription: "Attachments are missing."))
        }
        return try EventArguments(packet)
    }

    /// The arguments as values of any shape; see ``decodedArguments()``.
    package func values() throws -> [SocketIOValue] {
        var arguments = try decodedArguments()
        return try arguments.remaining()
    }
}
