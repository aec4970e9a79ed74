/// What an HTTP request means for an Engine.IO server ("Query parameters" in the specification).
///
/// ```swift
/// let request = try EngineRequest(method: "GET", uri: "/socket.io/?EIO=4&transport=polling", isWebSocketUpgrade: false)
/// switch try request.verify(transports: [.polling, .websocket], transportOfSession: { sessions[$0]?.transport }) {
/// case .handshake(let transport): …
/// case .session(let sid, let transport): …
/// }
/// ```
public struct EngineRequest: Hashable, Sendable {
    /// What a request that passed ``verify(transports:allowsRevision3:transportOfSession:)`` asks for.
    public enum Purpose: Hashable, Sendable {
        /// A new session on this transport.
        case handshake(EngineTransport)
        /// A poll, a payload or an upgrade of the session of this id, by this transport.
        case session(String, EngineTransport)
    }

    /// The HTTP method, in capitals.
    public let method: String
    /// Whether the request asks to switch the connection to WebSocket.
    public let isWebSocketUpgrade: Bool
    /// The whole query, the protocol's own names included: what an application sees as `handshake.query`.
    public let query: EngineQuery
    /// The query's `transport`, if it names one that exists.
    public let transport: EngineTransport?
    /// The query's `sid`: the id of an existing session. An empty one is none.
    public let sid: String?

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - method: The HTTP method.
    ///   - uri: The target of the request: path and query.
    ///   - isWebSocketUpgrade: Whether the request asks to switch the connection to WebSocket.
    /// - Throws: ``EngineRequestError/Code/badRequest`` if the query has too many items.
    public init(method: String, uri: String, isWebSocketUpgrade: Bool) throws(EngineRequestError) {
        guard let query = EngineQuery(uri: uri) else {
            throw EngineRequestError(.badRequest, detail: "more than \(EngineQuery.maxItems) query items")
        }
        self.method = method
        self.isWebSocketUpgrade = isWebSocketUpgrade
        self.query = query
        let (transport, sid) = query.values(of: "transport", and: "sid")
        self.transport = transport.flatMap(EngineTransport.init(rawValue:))
        self.sid = sid?.isEmpty == true ? nil : sid
    }

    /// The query's `EIO`: the version of the protocol that the client speaks.
    public var version: String? { query["EIO"] }

    /// Decides what the request asks for, by the rules and in the order of the reference implementation's server (6.6).
    ///
    /// - Parameters:
    ///   - transports: The transports that the server offers.
    ///   - allowsRevision3: Whether clients of revision 3 are let in.
    ///   - transportOfSession: The transport that the session of an id uses now, or `nil` if there is no such session.
    /// - Throws: ``EngineRequestError`` with the code to answer.
    public func verify(
        transports: Set<EngineTransport>, allowsRevision3: Bool = false,
        transportOfSession: (String) -> EngineTransport?
    ) throws(EngineRequestError) -> Purpose {
        guard let transport, transports.contains(transport) else {
            throw EngineRequestError(.unknownTransport, detail: query["transport"])
        }
        if isWebSocketUpgrade && transport != .websocket {
            throw EngineRequestError(.badRequest, detail: "TRANSPORT_HANDSHAKE_ERROR")
        }
        if let sid {
            guard let current = transportOfSession(sid) else { throw EngineRequestError(.unknownSession, detail: sid) }
            guard isWebSocketUpgrade || current == transport else {
                throw EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH")
            }
            return .session(sid, transport)
        }
        guard method == "GET" else { throw EngineRequestError(.badHandshakeMethod, detail: method) }
        guard transport != .websocket || isWebSocketUpgrade else {
            throw EngineRequestError(.badRequest, detail: "TRANSPORT_HANDSHAKE_ERROR")
        }
        guard revision == .four || allowsRevision3 else {
            throw EngineRequestError(.unsupportedProtocolVersion, detail: version)
        }
        return .handshake(transport)
    }
}
