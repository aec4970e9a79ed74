public import NIOCore

/// One packet of the Engine.IO protocol, revision 4 or 3 ("Protocol" in its specification).
///
/// ```swift
/// let packet = try EnginePacket(text: frame)      // "4hello"
/// packet.kind                                     // .message
/// packet.body                                     // .text("hello"), a slice of the frame
/// ```
public struct EnginePacket: Hashable, Sendable {
    /// What the packet is for.
    public enum Kind: UInt8, Sendable {
        /// The server's description of the new session: an ``EngineHandshake``.
        case open = 0
        /// The transport can be closed.
        case close = 1
        /// The server (in revision 3 the client) asks for a sign of life; or, with the body "probe", a client tries a transport.
        case ping = 2
        /// The answer to a ping, with the same body.
        case pong = 3
        /// Data for the layer above.
        case message = 4
        /// The client moves to the transport that it has probed.
        case upgrade = 5
        /// Nothing; it ends a pending poll.
        case noop = 6

        /// The character that stands for the kind on the wire.
        public var byte: UInt8 { UInt8(ascii: "0") + rawValue }

        init?(byte: UInt8) {
            self.init(rawValue: byte &- UInt8(ascii: "0"))
        }
    }

    /// What the packet carries. Only a message can be binary.
    public enum Body: Hashable, Sendable {
        /// UTF-8, possibly empty.
        case text(ByteBuffer)
        /// Any bytes.
        case binary(ByteBuffer)
    }

    /// What the packet is for.
    public let kind: Kind
    /// What the packet carries.
    public let body: Body

    /// A packet of text.
    public init(_ kind: Kind, _ text: ByteBuffer = ByteBuffer()) {
        self.kind = kind
        body = .text(text)
    }

    /// A binary message.
    public init(binary bytes: ByteBuffer) {
        kind = .message
        body = .binary(bytes)
    }

    /// Whether the packet belongs into a binary WebSocket frame.
    public var isBinary: Bool {
        if case .binary = body { true } else { false }
    }
}

// MARK: - One packet in one WebSocket frame

extension EnginePacket {
    /// The mark of a binary message inside text.
    static let base64Mark = UInt8(ascii: "b")

    /// Decodes the packet of a WebSocket text frame ("Packet encoding, WebSocket"). The body is a slice of the frame.
    ///
    /// A binary message in base64, which a client may send here too (its option `forceBase64`), is decoded.
    ///
    /// - Parameters:
    ///   - frame: The frame's payload, which the WebSocket layer has checked to be UTF-8.
    ///   - revision: The revision that the client speaks: in the third, base64 has the message's type in front.
    /// - Throws: ``EngineParseError`` for an empty frame, an unknown type or wrong base64.
    public init(text frame: ByteBuffer, revision: EngineRevision = .four) throws(EngineParseError) {
        var body = frame
        guard let type = body.readInteger(as: UInt8.self) else { throw EngineParseError(.emptyPacket) }
        if let kind = Kind(byte: type) {
            self.init(kind, body.slice())
        } else if type == Self.base64Mark {
            if revision == .three, body.readInteger(as: UInt8.self) != Kind.message.byte {
                throw EngineParseError(.unknownPacketType)
            }
            guard let bytes = Base64.decode(body) else { throw EngineParseError(.invalidBase64) }
            self.init(binary: bytes)
        } else {
            throw EngineParseError(.unknownPacketType)
        }
    }

    /// Decodes the message of a binary WebSocket frame of revision 3, where its type is in front. The body is a slice.
    ///
    /// - Throws: ``EngineParseError`` for an empty frame, and for any type but a message, which no client sends as bytes.
    public init(typedBinary frame: ByteBuffer) throws(EngineParseError) {
        var body = frame
        guard let type = body.readInteger(as: UInt8.self) else { throw EngineParseError(.emptyPacket) }
        guard type == Kind.message.rawValue else { throw EngineParseError(.unknownPacketType) }
        self.init(binary: body.slice())
    }

    /// Appends the payload of the packet's WebSocket frame, which is a binary one if ``isBinary`` says so, except for
    /// ``EngineDialect/BinaryForm/base64``.
    public func write(into buffer: inout ByteBuffer, dialect: EngineDialect = .revision4) {
        switch body {
        case .text(let text):
            buffer.writeInteger(kind.byte)
            buffer.writeImmutableBuffer(text)
        case .binary(let bytes):
            switch dialect.binaryForm {
            case .plain:
                break
            case .typed:
                buffer.writeInteger(kind.rawValue)
            case .base64:
                buffer.writeInteger(Self.base64Mark)
                if dialect.revision == .three { buffer.writeInteger(kind.byte) }
                return Base64.encode(bytes, into: &buffer)
            }
            buffer.writeImmutableBuffer(bytes)
        }
    }
}
