import EngineIOProtocol
import JunctionTransport
public import JunctionWebSocket
public import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// An Engine.IO server, revision 4: sessions over HTTP long-polling and WebSocket, with upgrade and heartbeat.
///
/// Usable without Socket.IO:
///
/// ```swift
/// let engine = EngineIOServer()
/// engine.onConnection { session in
///     session.onMessage { message in session.send(message) }
/// }
/// try await WebServer(port: 3000, mounts: [engine.mount(at: "/engine.io")]).run()
/// ```
public final class EngineIOServer: Sendable {
    /// What was set.
    public let options: EngineIOOptions

    private let logger: Logger
    private let originPolicy: OriginPolicy
    private let state = Mutex(State())
    private let losses: LossLog

    private struct State {
        var sessions: [String: EngineSession] = [:]
        var onConnection: @Sendable (EngineSession) -> Void = { $0.close() }
        var isShutDown = false
    }

    /// A server without a port of its own; see ``mount(at:)``.
    public init(options: EngineIOOptions = EngineIOOptions(), logger: Logger = Logger(label: "junction.engineio")) {
        self.options = options
        self.logger = logger
        self.losses = LossLog(logger, "message dropped")
        self.originPolicy = OriginPolicy(cors: options.cors)
    }

    /// Sets what is called for each new session, on its event loop, before its first message. It must not block.
    public func onConnection(_ handler: @escaping @Sendable (EngineSession) -> Void) {
        state.withLock { $0.onConnection = handler }
    }

    /// The number of sessions.
    public var clientsCount: Int { state.withLock { $0.sessions.count } }

    /// Messages that were dropped because their clients were behind; see ``SlowConsumerPolicy``. Logged, too: at most one line
    /// a second.
    public var droppedMessages: Int { losses.count }

    /// The server as a part of a ``WebServer``.
    public func mount(at path: String = "/engine.io") -> Mount {
        Mount(path: path, shutDown: { self.closeAll() }, handle: { self.handle($0) })
    }

    /// Ends every session and refuses new ones.
    public func closeAll() {
        let sessions = state.withLock { state in
            state.isShutDown = true
            return Array(state.sessions.values)
        }
        for session in sessions { session.withCore { $0.shutDown() } }
    }

    // MARK: Requests

    func handle(_ exchange: HTTPExchange) {
        let headers: HTTPHeaders
        switch originPolicy.check(exchange.request) {
        case .allow(let fields):
            headers = fields
        case .deny:
            return refuse(exchange, EngineRequestError(.forbidden, detail: "origin"), [:])
        }
        if exchange.request.head.method == .OPTIONS {
            return exchange.respond(originPolicy.preflight(exchange.request, allowed: headers))
        }
        do {
            try serve(exchange, headers)
        } catch {
            refuse(exchange, error, headers)
        }
    }

    private func refuse(_ exchange: HTTPExchange, _ error: EngineRequestError, _ headers: HTTPHeaders) {
        logger.debug("request refused", metadata: ["error": "\(error)", "uri": "\(exchange.request.head.uri)"])
        EngineSessionCore.Answer(exchange: exchange, headers: headers).respond(error)
    }

    private func serve(_ exchange: HTTPExchange, _ headers: HTTPHeaders) throws(EngineRequestError) {
        let request = exchange.request
        let engineRequest = try EngineRequest(
            method: request.head.method.rawValue, uri: request.head.uri, isWebSocketUpgrade: request.asksForWebSocket)
        let transports = Set(options.transports.compactMap { EngineTransport(rawValue: $0.rawValue) })
        // One look-up serves the check and the use: the session may end in between.
        let session = engineRequest.sid.flatMap(find)
        // Whether the session still polls is known on its own loop: it refuses what does not fit there.
        let purpose = try engineRequest.verify(transports: transports) { _ in
            session.flatMap { _ in engineRequest.transport }
        }
        switch (purpose, session) {
        case (.handshake(.polling), _):
            let session = try makeSession(exchange, engineRequest, .polling)
            let answer = EngineSessionCore.Answer(exchange: exchange, headers: headers)
            session.withCore { core in
                core.open(by: nil)
                core.get(answer)
            }
            announce(session)
        case (.handshake(.websocket), _):
            try openWebSocket(exchange, engineRequest, headers)
        case (.session, let session?) where request.asksForWebSocket:
            try upgrade(session, exchange, headers)
        case (.session(_, .websocket), _):
            throw EngineRequestError(.badRequest, detail: "TRANSPORT_MISMATCH")
        case (.session, let session?):
            let answer = EngineSessionCore.Answer(exchange: exchange, headers: headers)
            switch request.head.method {
            case .GET: session.withCore { $0.get(answer) }
            case .POST: session.withCore { $0.post(answer) }
            default: throw EngineRequestError(.badRequest, detail: "method")
            }
        case (.session(let sid, _), nil):
            throw EngineRequestError(.unknownSession, detail: sid)
        }
    }

    private func openWebSocket(
        _ exchange: HTTPExchange, _ request: EngineRequest, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        let session = try makeSession(exchange, request, .websocket)
        do {
            let link = try accept(exchange, headers, for: session)
            session.withCore { $0.open(by: link) }
        } catch {
            session.withCore { $0.end(.transportError) }
            throw EngineRequestError(.badRequest, detail: "\(error)")
        }
        announce(session)
    }

    private func upgrade(
        _ session: EngineSession, _ exchange: HTTPExchange, _ headers: HTTPHeaders
    ) throws(EngineRequestError) {
        let link: WebSocketLink
        do {
            link = try accept(exchange, headers, for: session)
        } catch {
            throw EngineRequestError(.badRequest, detail: "\(error)")
        }
        session.withCore { core in
            // As the JavaScript server: accepted and closed, which `WebSocket` in a browser can tell from a failed request.
            if !core.probe(by: link) { link.close(.normal) }
        }
    }

    private func accept(_ exchange: HTTPExchange, _ headers: HTTPHeaders, for session: EngineSession) throws
        -> WebSocketLink
    {
        let handler = WebSocketHandler(
            executor: exchange.executor, limits: WebSocketFrameLimits(maxMessageBytes: options.maxHttpBufferSize),
            maximumBufferedBytes: options.maximumBufferedBytes)
        let link = WebSocketLink(
            handler: handler, on: exchange.executor, session: session.core, on: session.executor)
        handler.delegate = link
        do {
            try WebSocketUpgrade.accept(
                exchange, headers: headers, compression: options.perMessageDeflate, handler: handler)
        } catch {
            handler.delegate = nil  // it holds the handler
            throw error
        }
        return link
    }

    // MARK: Sessions

    private func find(_ sid: String) -> EngineSession? { state.withLock { $0.sessions[sid] } }

    /// A session on the loop of the connection that asks for it.
    private func makeSession(
        _ exchange: HTTPExchange, _ request: EngineRequest, _ transport: EngineTransport
    ) throws(EngineRequestError) -> EngineSession {
        let id = SessionID.make()
        let core = EngineSessionCore(
            id: id, request: RequestInfo(exchange.request, query: request.query), transport: transport,
            options: options,
            executor: exchange.executor
        ) {
            _ = self.state.withLock { $0.sessions.removeValue(forKey: id) }
        }
        core.losses = losses
        let session = EngineSession(core)
        let isShutDown = state.withLock { state in
            if !state.isShutDown { state.sessions[id] = session }
            return state.isShutDown
        }
        if isShutDown { throw EngineRequestError(.badRequest, message: "Server is shutting down") }
        return session
    }

    private func announce(_ session: EngineSession) {
        let onConnection = state.withLock { $0.onConnection }
        onConnection(session)
    }
}
