public import NIOCore

/// The server's description of a new session, the body of the open packet ("Handshake" in the specification).
public struct EngineHandshake: Hashable, Sendable {
    /// The id of the session, which the client names in each later request.
    public var sid: String
    /// The transports that the client may upgrade to.
    public var upgrades: [String]
    /// How often the server sends a ping; whole milliseconds on the wire.
    public var pingInterval: Duration
    /// How long a ping may stay unanswered; whole milliseconds on the wire.
    public var pingTimeout: Duration
    /// The most bytes of a polling payload that the server accepts; `nil` from servers older than this part of the protocol.
    public var maxPayload: Int?

    /// Describes a session.
    public init(sid: String, upgrades: [String], pingInterval: Duration, pingTimeout: Duration, maxPayload: Int?) {
        self.sid = sid
        self.upgrades = upgrades
        self.pingInterval = pingInterval
        self.pingTimeout = pingTimeout
        self.maxPayload = maxPayload
    }

    /// Appends the JSON object, its members in the order of the specification.
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeString(#"{"sid":"#)
        buffer.writeJSONString(sid)
        buffer.writeString(#","upgrades":["#)
        for (index, upgrade) in upgrades.enumerated() {
            if index > 0 { buffer.writeString(",") }
            buffer.writeJSONString(upgrade)
        }
        buffer.writeString(#"],"pingInterval":\#(pingInterval.wholeMilliseconds)"#)
        buffer.writeString(#","pingTimeout":\#(pingTimeout.wholeMilliseconds)"#)
        if let maxPayload { buffer.writeString(#","maxPayload":\#(maxPayload)"#) }
        buffer.writeString("}")
    }

    /// Decodes the body of an open packet.
    ///
    /// Members the specification does not name are ignored. Times and sizes are whole numbers from 0 to 2^53 - 1.
    ///
    /// - Throws: ``EngineParseError`` with the code ``EngineParseError/Code/invalidHandshake``.
    public init(_ body: ByteBuffer) throws(EngineParseError) {
        var reader = HandshakeReader(body)
        var sid: String?
        var upgrades: [String] = []
        var pingInterval: Duration?
        var pingTimeout: Duration?
        var maxPayload: Int?
        try reader.readObject { name, reader throws(EngineParseError) in
            switch name {
            case "sid": sid = try reader.readString()
            case "upgrades": upgrades = try reader.readStrings()
            case "pingInterval": pingInterval = .milliseconds(try reader.readInteger())
            case "pingTimeout": pingTimeout = .milliseconds(try reader.readInteger())
            case "maxPayload": maxPayload = try reader.readInteger()
            default: try reader.skipValue()
            }
        }
        guard let sid, !sid.isEmpty, let pingInterval, let pingTimeout else { throw reader.error() }
        self.init(
            sid: sid, upgrades: upgrades, pingInterval: pingInterval, pingTimeout: pingTimeout, maxPayload: maxPayload)
    }
}

extension Duration {
    /// Milliseconds, what is less than one cut off.
    fileprivate var wholeMilliseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000_000_000)
    }
}
