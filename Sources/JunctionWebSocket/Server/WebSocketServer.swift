public import JunctionCore
public import JunctionTransport
public import Logging
public import NIOCore
import NIOHTTP1
import Synchronization

/// A server for plain WebSocket connections.
///
/// ```swift
/// try await WebSocketServer(port: 3000, onMessage: { message, connection in connection.send(message) }).run()
/// ```
///
/// Handlers are called on the connection's event loop and must not block.
public final class WebSocketServer: ListeningService {
    /// Decides, by the `Origin` of a browser, whether it may connect.
    public typealias OriginCheck = @Sendable (_ origin: String, _ host: String?) -> Bool

    private let web: WebServer
    private let live: LiveConnections

    /// A server whose handlers are called for every connection, in the order connect, messages, close.
    ///
    /// - Parameters:
    ///   - address: where to listen: a host and a port, a Unix domain socket, a descriptor.
    ///   - path: where the server answers; everything below it, too.
    ///   - configuration: TLS (`wss`), who may connect, and what else every web server has.
    ///   - maximumMessageSize: bytes; a larger message ends its connection with 1009. 1,000,000.
    ///   - maximumBufferedBytes: bytes queued for a peer that does not read, above which it is cut off. 16 MiB.
    ///   - perMessageDeflate: compresses messages both ways on connections whose client offers it (RFC 7692). `nil`, the
    ///     default, does not.
    ///   - allowsOrigin: asked for requests with an `Origin`, that is for browsers. By default they must come from the
    ///     server's own origin: the same-origin rule does not cover WebSocket.
    public init(
        on address: ListenAddress, path: String = "/",
        configuration: WebServer.Configuration = WebServer.Configuration(), maximumMessageSize: Int = 1_000_000,
        maximumBufferedBytes: Int = 16_777_216, perMessageDeflate: WebSocketCompression? = nil,
        logger: Logger = Logger(label: "junction.websocket"),
        allowsOrigin: @escaping OriginCheck = WebSocketServer.sameOrigin,
        onConnect: (@Sendable (WebSocketConnection) -> Void)? = nil,
        onMessage: @escaping @Sendable (WebSocketMessage, WebSocketConnection) -> Void,
        onClose: (@Sendable (WebSocketConnection, WebSocketCloseCode) -> Void)? = nil
    ) {
        let live = LiveConnections()
        let mount = Mount(path: path, shutDown: live.closeAll) { exchange in
            guard exchange.request.asksForWebSocket else {
                return exchange.respond(
                    HTTPResponse(status: .upgradeRequired, headers: ["upgrade": "websocket"], body: ByteBuffer()))
            }
            let headers = exchange.request.head.headers
            if let origin = headers.first(name: "origin"), !allowsOrigin(origin, headers.first(name: "host")) {
                return exchange.respond(
                    HTTPResponse(status: .forbidden, body: ByteBuffer(string: "Origin not allowed\n")))
            }
            let handler = WebSocketHandler(
                executor: exchange.executor, limits: WebSocketFrameLimits(maxMessageBytes: maximumMessageSize),
                maximumBufferedBytes: maximumBufferedBytes)
            let connection = WebSocketConnection(
                handler: handler, channel: exchange.channel, executor: exchange.executor)
            handler.delegate = Delegate(connection: connection, onMessage: onMessage) { code in
                live.remove(connection)
                onClose?(connection, code)
            }
            do {
                try WebSocketUpgrade.accept(exchange, compression: perMessageDeflate, handler: handler)
            } catch {
                handler.delegate = nil  // it holds the handler
                return exchange.respond(HTTPResponse(status: .badRequest, body: ByteBuffer(string: "Bad handshake\n")))
            }
            live.insert(connection)
            onConnect?(connection)
        }
        self.live = live
        web = WebServer(on: address, configuration: configuration, logger: logger, mounts: [mount])
    }

    /// A server on a host and a port; see
    /// ``init(on:path:configuration:maximumMessageSize:maximumBufferedBytes:perMessageDeflate:logger:allowsOrigin:onConnect:onMessage:onClose:)``.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    public convenience init(
        host: String? = nil, port: Int, path: String = "/",
        configuration: WebServer.Configuration = WebServer.Configuration(), maximumMessageSize: Int = 1_000_000,
        maximumBufferedBytes: Int = 16_777_216, perMessageDeflate: WebSocketCompression? = nil,
        logger: Logger = Logger(label: "junction.websocket"),
        allowsOrigin: @escaping OriginCheck = WebSocketServer.sameOrigin,
        onConnect: (@Sendable (WebSocketConnection) -> Void)? = nil,
        onMessage: @escaping @Sendable (WebSocketMessage, WebSocketConnection) -> Void,
        onClose: (@Sendable (WebSocketConnection, WebSocketCloseCode) -> Void)? = nil
    ) {
        self.init(
            on: .host(host, port: port), path: path, configuration: configuration,
            maximumMessageSize: maximumMessageSize, maximumBufferedBytes: maximumBufferedBytes,
            perMessageDeflate: perMessageDeflate, logger: logger, allowsOrigin: allowsOrigin, onConnect: onConnect,
            onMessage: onMessage, onClose: onClose)
    }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        live.open()
        try await web.run(onListening: onListening)
    }

    /// Lets a browser in whose page came from the host and port that it now connects to.
    public static func sameOrigin(_ origin: String, _ host: String?) -> Bool {
        guard let host, let scheme = origin.firstRange(of: "://") else { return false }
        return origin[scheme.upperBound...] == host
    }

    private final class Delegate: WebSocketDelegate {
        private let connection: WebSocketConnection
        private let onMessage: @Sendable (WebSocketMessage, WebSocketConnection) -> Void
        private let onClose: @Sendable (WebSocketCloseCode) -> Void

        init(
            connection: WebSocketConnection,
            onMessage: @escaping @Sendable (WebSocketMessage, WebSocketConnection) -> Void,
            onClose: @escaping @Sendable (WebSocketCloseCode) -> Void
        ) {
            self.connection = connection
            self.onMessage = onMessage
            self.onClose = onClose
        }

        func webSocket(_ socket: WebSocketHandler, receivedText text: consuming ByteBuffer) {
            onMessage(.text(text), connection)
        }

        func webSocket(_ socket: WebSocketHandler, receivedBinary bytes: consuming ByteBuffer) {
            onMessage(.binary(bytes), connection)
        }

        func webSocketWritabilityChanged(_ socket: WebSocketHandler) {}

        func webSocketClosed(_ socket: WebSocketHandler, _ close: WebSocketClose) {
            onClose(close.code)
        }
    }
}

/// The connections that are told when the server goes away.
private final class LiveConnections: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: WebSocketConnection] = [:]
        var isClosing = false
    }

    private let state = Mutex(State())

    /// The server runs, perhaps once more.
    func open() { state.withLock { $0.isClosing = false } }

    /// Adds a connection; one that comes while the server goes away is told at once.
    func insert(_ connection: WebSocketConnection) {
        let isClosing = state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = connection
            return state.isClosing
        }
        if isClosing { connection.close(.goingAway) }
    }

    func remove(_ connection: WebSocketConnection) {
        state.withLock { $0.connections[ObjectIdentifier(connection)] = nil }
    }

    @Sendable func closeAll() async {
        let connections = state.withLock { state in
            state.isClosing = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.close(.goingAway) }
    }
}
