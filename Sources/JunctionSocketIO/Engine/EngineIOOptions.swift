public import JunctionWebSocket

/// A way to carry a session.
public enum Transport: String, Sendable, Hashable, CaseIterable {
    /// HTTP long-polling.
    case polling
    /// A WebSocket connection.
    case websocket
}

/// What can be set on an Engine.IO server; names and defaults are the JavaScript server's.
public struct EngineIOOptions: Sendable {
    /// Time between two pings. 25 seconds.
    public var pingInterval: Duration = .seconds(25)
    /// Time for the client's pong; then the session ends with `ping timeout`. 20 seconds.
    public var pingTimeout: Duration = .seconds(20)
    /// Time for an upgrade to complete; then the session stays with polling. 10 seconds.
    public var upgradeTimeout: Duration = .seconds(10)
    /// Bytes of one message, and of one polling request; more ends the session. 1,000,000.
    public var maxHttpBufferSize = 1_000_000
    /// The transports that clients may use.
    public var transports: Set<Transport> = [.polling, .websocket]
    /// Whether a session may move from polling to WebSocket.
    public var allowUpgrades = true
    /// Lets in clients of Engine.IO revision 3, which Socket.IO 1 and 2 speak. Off.
    ///
    /// Such a client knows its socket by the identifier of its session, which is as good as a password: do not show
    /// ``Socket/id`` to others then. Old browsers may load their payloads as programs (JSONP): with ``cors`` as it is by
    /// default only those that say in `Referer` or `Sec-Fetch-Site` that the page is the server's own.
    public var allowEIO3 = false
    /// Pages of which other origins may connect. None.
    public var cors: CORS = .sameOrigin
    /// Compression of WebSocket messages, for clients that offer it (browsers do). `nil`, the default, turns it off.
    public var perMessageDeflate: WebSocketCompression?
    /// A cookie with the session's id, set by the answer to the handshake. None.
    public var cookie: SessionCookie?
    /// Decides for each client that wants to open a session whether it may; asked once, at its handshake, by polling and
    /// WebSocket alike. It runs in a task on the connection's event loop, which is cancelled when the client goes away. A client
    /// that is refused gets 403 with code 4 and the message given, else "Forbidden"; so does one for which it throws. Everybody.
    ///
    /// ```swift
    /// options.engine.allowRequest = { request in
    ///     try await isAllowed(request.header("authorization")) ? .allow : .refuse("who are you?")
    /// }
    /// ```
    public var allowRequest: (@Sendable (RequestInfo) async throws -> Decision)?
    /// Makes the id of a new session. It has to be unique, and as hard to guess as a password; a client whose id is empty or
    /// taken, or for which it throws, is refused with code 3. By default 120 bits of the system's secure generator.
    public var generateId: (@Sendable (RequestInfo) async throws -> String)?
    /// How answers to polls are compressed; `nil` is not at all.
    public var httpCompression: HTTPCompression? = HTTPCompression()
    /// Whether the path ends with a slash: `/socket.io/` is answered then and `/socket.io` is not found. Without it both are
    /// answered. Yes.
    public var addTrailingSlash = true
    /// What happens to messages for a client that reads them more slowly than they are sent. They are kept.
    public var slowConsumer: SlowConsumerPolicy = .disconnect
    /// Bytes queued for a client that does not read, above which its session ends. 16 MiB.
    public var maximumBufferedBytes = 16_777_216
    /// Time in which a client learns with its next poll that the server closed its session. 30 seconds.
    public var pollingCloseTimeout: Duration = .seconds(30)
    /// Time that an HTTP server which shuts down leaves to clients between two polls, to fetch what was sent to them before.
    /// 2 seconds.
    public var lastPollTimeout: Duration = .seconds(2)

    /// Whether a client may open a session; see ``allowRequest``.
    public enum Decision: Sendable, Hashable {
        /// It may.
        case allow
        /// It may not, and is told this, or "Forbidden".
        case refuse(_ message: String? = nil)
    }

    /// The defaults.
    public init() {}
}
