internal import JSONText
public import NIOCore

/// One packet of the Socket.IO protocol, revision 5 ("Packet encoding").
///
/// What an event or an acknowledgement carries is read with ``EventArguments``, what a CONNECT or CONNECT_ERROR carries
/// with ``decodePayload(_:)``.
public struct SocketIOPacket: Hashable, Sendable {
    /// What a packet is for; the raw value is its digit on the wire.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case connect
        case disconnect
        case event
        case ack
        case connectError
        /// An event with attachments; the reference calls it an EVENT too once it is decoded.
        case binaryEvent
        /// An acknowledgement with attachments.
        case binaryAck
    }

    /// What the packet is for.
    public let kind: Kind
    /// The namespace as it came, `/` for the main one.
    public let namespace: String
    /// The acknowledgement id: of an event, that its sender waits for an answer; of an acknowledgement, what it answers.
    public let id: UInt64?
    /// The payload in the ``format``, checked completely; in JSON binary values are placeholders.
    public let payload: ByteBuffer?
    /// The binary values that the placeholders of the payload stand for.
    public let attachments: [ByteBuffer]
    /// What the payload is written in.
    public let format: PayloadFormat

    /// What a payload is written in.
    public enum PayloadFormat: Hashable, Sendable {
        case json
        case messagePack
    }

    init(
        kind: Kind, namespace: String, id: UInt64?, payload: ByteBuffer?, attachments: [ByteBuffer],
        format: PayloadFormat = .json
    ) {
        self.kind = kind
        self.namespace = namespace
        self.id = id
        self.payload = payload
        self.attachments = attachments
        self.format = format
    }
}

extension SocketIOPacket {
    /// The namespace without a query, and the query without its question mark.
    ///
    /// Clients of Engine.IO 3 send the values that later ones put into the CONNECT payload as a query of the namespace
    /// (`0/admin?token=1,`). To later revisions a query is a part of the name, as any other character is.
    public var namespaceComponents: (path: Substring, query: Substring?) {
        guard let mark = self.namespace.firstIndex(of: "?") else { return (self.namespace[...], nil) }
        return (self.namespace[..<mark], self.namespace[self.namespace.index(after: mark)...])
    }

    /// Decodes the whole payload as one value, such as the `auth` object of a CONNECT.
    ///
    /// ```swift
    /// struct Credentials: Decodable { let token: String }
    /// let credentials = try packet.decodePayload(Credentials.self)
    /// ```
    /// - Throws: `DecodingError`; a missing payload is nil for an optional type and `valueNotFound` for every other.
    public func decodePayload<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        if let payload, self.format == .messagePack {
            return try MessagePackSource(payload).decode(type, at: 0, path: nil)
        }
        if let payload {
            var start = 0
            payload.readableBytesSpan.skipWhitespace(&start)
            return try JSONSource(json: payload, attachments: self.attachments).decode(type, at: start, path: nil)
        }
        if let absent = T.self as? any Absentable.Type, let value = absent.absent as? T { return value }
        throw DecodingError.valueNotFound(
            type, .init(codingPath: [], debugDescription: "Expected \(type) but the packet has no payload."))
    }
}

/// A type with a value for "nothing was sent": every optional.
protocol Absentable {
    static var absent: Self { get }
}

extension Optional: Absentable {
    static var absent: Wrapped? { nil }
}
