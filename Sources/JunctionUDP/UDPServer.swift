public import JunctionCore
import JunctionTransport
public import Logging
public import NIOCore
import ServiceLifecycle

/// A UDP server.
///
/// ```swift
/// let server = UDPServer(port: 3000) { datagram, socket in
///     try await socket.send("Hello Client!", to: datagram.sender)
/// }
/// try await server.run()
/// ```
public final class UDPServer: ListeningService {
    private enum Handling: Sendable {
        case asynchronous(@Sendable (Datagram, UDPSocket) async throws -> Void)
        case inline(@Sendable (Datagram, UDPSocket) throws -> Void)
        case sessions(SessionLimits, @Sendable (PeerSession) async throws -> Void)
    }

    private let host: String?
    private let port: Int
    private let configuration: UDPSocket.Configuration
    private let logger: Logger
    private let handling: Handling

    /// A server whose handler is called for one datagram after another, in a task on the socket's event loop. A thrown error
    /// ends that call alone and is logged.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    ///   - handler: must not block its thread. While it is behind, datagrams queue up to the configuration's limit.
    public init(
        host: String? = nil, port: Int, configuration: UDPSocket.Configuration = .init(),
        logger: Logger = Logger(label: "junction.udp"),
        handler: @escaping @Sendable (Datagram, UDPSocket) async throws -> Void
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.handling = .asynchronous(handler)
    }

    /// A server whose handler is called on the event loop as datagrams come: the fastest form. It must not block.
    ///
    /// ```swift
    /// UDPServer(port: 7, onDatagram: { datagram, socket in socket.send(datagram.payload, to: datagram.sender) })
    /// ```
    public init(
        host: String? = nil, port: Int, configuration: UDPSocket.Configuration = .init(),
        logger: Logger = Logger(label: "junction.udp"),
        onDatagram: @escaping @Sendable (Datagram, UDPSocket) throws -> Void
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.handling = .inline(onDatagram)
    }

    /// A server whose handler is called once for each peer, in a task on the socket's event loop, with the stream of what the
    /// peer sends. The session ends when the handler returns or throws, or when the peer has been silent for too long. A
    /// thrown error is logged.
    ///
    /// ```swift
    /// UDPServer(port: 7, onSession: { session in
    ///     for try await datagram in session.inbound { try await session.send(datagram.payload) }
    /// })
    /// ```
    public init(
        host: String? = nil, port: Int, configuration: UDPSocket.Configuration = .init(),
        sessions: SessionLimits = .init(), logger: Logger = Logger(label: "junction.udp"),
        onSession: @escaping @Sendable (PeerSession) async throws -> Void
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        self.handling = .sessions(sessions, onSession)
    }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    ///
    /// What was received by then is still handled, up to ``UDPSocket/Configuration/drainTimeout``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        let sockets = try await bind()
        await withTaskGroup(of: Void.self) { group in
            for socket in sockets { group.addTask { await self.serve(socket) } }
            if let address = sockets.first?.localAddress { onListening(address) }
            await group.waitForAll()
        }
    }

    /// One socket, or one for each event loop.
    private func bind() async throws -> [UDPSocket] {
        guard configuration.socketPerEventLoop else {
            return [try await UDPSocket.bind(host: host, port: port, configuration: configuration, logger: logger)]
        }
        var sockets: [UDPSocket] = []
        do {
            for eventLoop in EventLoops.all {
                let port = sockets.first?.localAddress?.port ?? port
                sockets.append(try await UDPSocket.bind(host: host, port: port, configuration, logger, on: eventLoop))
            }
        } catch {
            for socket in sockets { await socket.closeAndWait() }
            throw error
        }
        return sockets
    }

    private func serve(_ socket: UDPSocket) async {
        switch handling {
        case .inline(let handler):
            socket.deliver(to: { [logger] datagram in
                do {
                    try handler(datagram, socket)
                } catch {
                    Self.log(error, of: datagram.sender, logger)
                }
            })
            await withTaskCancellationOrGracefulShutdownHandler {
                await socket.waitUntilClosed()
            } onCancelOrGracefulShutdown: {
                socket.close()
            }
        case .asynchronous(let handler):
            await drain(socket) { await self.receive(from: socket, handler) }
        case .sessions(let limits, let handler):
            let (sessions, begun) = AsyncStream.makeStream(of: PeerSession.self)
            socket.deliverToSessions(limits) { begun.yield($0) }
            await drain(socket, onStop: { begun.finish() }) { await self.serve(sessions, handler) }
        }
        await socket.closeAndWait()
    }

    /// Runs `work` until it ends by itself after the socket's input has been ended, or until the drain deadline.
    private func drain(
        _ socket: UDPSocket, onStop: @escaping @Sendable () -> Void = {}, _ work: @escaping @Sendable () async -> Void
    ) async {
        // Not a child of this task: when this one is cancelled, what was received is still handled.
        let working = Task(executorPreference: socket.executor) { await work() }
        let drainTimeout = TimeAmount(configuration.drainTimeout)
        await withTaskCancellationOrGracefulShutdownHandler {
            await working.value
        } onCancelOrGracefulShutdown: {
            socket.endInput()
            socket.onLoop { _ in onStop() }  // behind the end: no session begins any more
            socket.executor.eventLoop.scheduleTask(in: drainTimeout) { working.cancel() }
        }
    }

    /// Hands one datagram after another to the handler, until the socket's input ends or the task is cancelled.
    private func receive(
        from socket: UDPSocket, _ handler: @Sendable (Datagram, UDPSocket) async throws -> Void
    ) async {
        while !Task.isCancelled {
            do {
                for try await datagram in socket.inbound {
                    do {
                        try await handler(datagram, socket)
                    } catch {
                        Self.log(error, of: datagram.sender, logger)
                    }
                }
                return
            } catch {
                logger.info("receiving failed", metadata: ["error": "\(error)"])  // the socket lives on
            }
        }
    }

    /// Runs the handler for each session, until there are no more sessions and all handlers have returned.
    private func serve(
        _ sessions: AsyncStream<PeerSession>, _ handler: @escaping @Sendable (PeerSession) async throws -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for await session in sessions {
                group.addTask(executorPreference: session.socket.executor) { [logger] in
                    do {
                        try await handler(session)
                    } catch {
                        Self.log(error, of: session.remoteAddress, logger)
                    }
                    session.close()
                }
            }
        }
    }

    private static func log(_ error: any Error, of peer: SocketAddress, _ logger: Logger) {
        logger.info("datagram failed", metadata: ["peer": "\(peer.text)", "error": "\(error)"])
    }
}

extension UDPSocket {
    /// Calls `handler` on the event loop for each datagram, instead of ``inbound``.
    func deliver(to handler: @escaping @Sendable (Datagram) -> Void) {
        onLoop { core in
            core.delivery = .handler(handler)
            while let queued = try? core.inbox.take(), let datagram = queued { handler(datagram) }
        }
    }

    /// Gives each datagram to the session of its sender, instead of ``inbound``.
    func deliverToSessions(_ limits: SessionLimits, _ onSession: @escaping @Sendable (PeerSession) -> Void) {
        onLoop { [self] core in
            let configuration = core.configuration
            let table = SessionTable(
                eventLoop: executor.eventLoop, idleTimeout: TimeAmount(limits.idleTimeout),
                maximum: limits.maximumSessions
            ) {
                DatagramInbox(limit: configuration.queueLimit, policy: configuration.overflowPolicy)
            } onNewSession: { [weak core] table, entry in
                guard core != nil else { return }
                onSession(PeerSession(entry, of: table, on: self))
            }
            core.delivery = .sessions(table)
            while let queued = try? core.inbox.take(), let datagram = queued { core.redeliver(datagram) }
        }
    }
}
