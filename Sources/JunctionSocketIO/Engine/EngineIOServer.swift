import EngineIOProtocol
import JunctionTransport
public import JunctionWebSocket
public import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// An Engine.IO server, revision 4 and, where ``EngineIOOptions/allowEIO3`` says so, 3: sessions over HTTP long-polling and
/// WebSocket, with upgrade and heartbeat.
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

    let logger: Logger
    let originPolicy: OriginPolicy
    let cookie: SessionCookieWriter?
    let transports: Set<EngineTransport>
    let hooks = EngineHookTable()
    /// Files for browsers beside the sessions, and the path that they are below.
    let clientFiles: (files: ClientFiles, path: String)?
    let state = Mutex(State())
    let losses: LossLog

    struct State {
        var sessions: [String: EngineSession] = [:]
        var onConnection: @Sendable (EngineSession) -> Void = { $0.close() }
        /// No new sessions.
        var isShutDown = false
        /// Waits for the last session to end.
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var waiterCount: UInt64 = 0
    }

    /// A server without a port of its own; see ``mount(at:)``.
    public convenience init(
        options: EngineIOOptions = EngineIOOptions(), logger: Logger = Logger(label: "junction.engineio")
    ) {
        self.init(options: options, clientFiles: nil, logger: logger)
    }

    init(options: EngineIOOptions, clientFiles: (files: ClientFiles, path: String)?, logger: Logger) {
        self.options = options
        self.logger = logger
        self.losses = LossLog(logger, "message dropped")
        self.originPolicy = OriginPolicy(cors: options.cors)
        self.cookie = options.cookie.map(SessionCookieWriter.init)
        self.transports = Set(options.transports.compactMap { EngineTransport(rawValue: $0.rawValue) })
        self.clientFiles = clientFiles
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
        mount(at: path, shutDown: { await self.shutDown() })
    }

    /// - Parameter shutDown: what the server above does when its HTTP server goes away.
    func mount(at path: String, shutDown: @escaping @Sendable () async -> Void) -> Mount {
        Mount(
            path: path, addTrailingSlash: options.addTrailingSlash, maximumBodySize: options.maxHttpBufferSize,
            drain: { await self.finishSessions() },
            shutDown: shutDown, handle: { self.handle($0) })
    }

    // MARK: Sessions

    func find(_ sid: String) -> EngineSession? { state.withLock { $0.sessions[sid] } }

    /// A session on the loop of the connection that asks for it.
    func makeSession(
        _ id: String, _ request: RequestInfo, _ transport: EngineTransport, _ dialect: EngineDialect,
        on executor: LoopExecutor
    ) throws(EngineRequestError) -> EngineSession {
        let core = EngineSessionCore(
            id: id, request: request, transport: transport, dialect: dialect, server: self, executor: executor)
        let session = EngineSession(core)
        let refusal: EngineRequestError? = state.withLock { state in
            if state.isShutDown { return EngineRequestError(.badRequest, message: "Server is shutting down") }
            // Of an application's generator: a client must not get into another one's session.
            if state.sessions[id] != nil { return EngineRequestError(.badRequest, detail: Self.idGenerationError) }
            state.sessions[id] = session
            return nil
        }
        if let refusal { throw refusal }
        return session
    }

    func announce(_ session: EngineSession) {
        let onConnection = state.withLock { $0.onConnection }
        onConnection(session)
    }
}
