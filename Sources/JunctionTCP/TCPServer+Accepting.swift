import JunctionCore
import JunctionTLS
import JunctionTransport
import Logging
package import NIOCore
import Synchronization

extension TCPServer {
    /// Serves an accepted channel, on its loop. A listener that shares its port calls it, too. Throws when the connection is
    /// refused, which has been counted then; the caller closes the channel.
    package func accept(_ channel: any Channel) throws {
        try admission.admit(channel) { try self.serve(channel, $0) }
    }

    /// - Parameter peer: where the connection really comes from.
    private func serve(_ channel: any Channel, _ peer: SocketAddress?) throws {
        let executor = LoopExecutor.of(channel.eventLoop)
        let core = ConnectionCore(executor: executor, settings: settings)
        let connection = TCPConnection(channel: channel, core: core, executor: executor, remoteAddress: peer)
        if case .inline(let callbacks) = handling { core.inline = inlineHandlers(callbacks, of: connection) }
        try settings.configure(channel)
        core.tls = try configuration.tls?.addHandlers(
            to: channel, doing: "TLS handshake with \(peer?.text ?? "a client")")
        try channel.pipeline.syncOperations.addHandler(core)
        // Not before the core is in place: a drain that has begun reaches the connection at once.
        guard connections.insert(connection) else {
            throw admission.refusedAsTooMany(limit: configuration.maximumConnections, channel, peer)
        }
        core.onClosed = { [connections] in connections.remove(connection) }
        guard let tls = core.tls else { return core.whenOpen { self.begin(connection, core) } }
        tls.handshake.assumeIsolated().whenComplete { result in
            switch result {
            case .success: executor.turn { self.begin(connection, core) }
            case .failure(let error): self.admission.refused(NetworkError(error, doing: "accept"), channel, peer)
            }
        }
    }

    private func begin(_ connection: TCPConnection, _ core: ConnectionCore) {
        switch handling {
        case .inline(let callbacks):
            core.inline?.onClose = { callbacks.onClose?(connection, $0) }
            callbacks.onConnect?(connection)
        case .asynchronous(let handler): run(handler, for: connection)
        case .sequence: waiting.add(connection)
        }
    }

    /// Gives a channel back that turned out to speak another protocol; its handler sees the end of the input. On its loop.
    package func release(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        pipeline.removeHandler(try pipeline.handler(type: ConnectionCore.self), promise: nil)
    }

    /// Ends the connections of a listener that shares its port, as ``run(onListening:)`` does for its own.
    /// The deadline is a timer of `eventLoop`, or of any loop of the process.
    package func drain(on eventLoop: (any EventLoop)? = nil) async {
        await admission.drain(timeout: TimeAmount(configuration.drainTimeout), on: eventLoop)
        await connections.drain(timeout: TimeAmount(configuration.drainTimeout), logger: logger, on: eventLoop)
    }

    private func run(_ handler: @escaping @Sendable (TCPConnection) async throws -> Void, for connection: TCPConnection)
    {
        // Bound to the connection: a forced close at the end of a drain cancels it.
        let task = Task(executorPreference: connection.executor) {
            do {
                try await handler(connection)
            } catch {
                self.log(error, of: connection)
            }
            connection.close()
        }
        connection.handler.withLock { $0 = task }
    }

    private func inlineHandlers(_ callbacks: Callbacks, of connection: TCPConnection) -> InlineHandlers {
        InlineHandlers(
            onMessage: { message in
                do {
                    try callbacks.onMessage(message, connection)
                } catch {
                    self.log(error, of: connection)
                    connection.close()
                }
            },
            onEnd: { connection.close() },
            onClose: { _ in })  // until the connection has begun: one that is refused never was there for the handlers
    }

    /// Apart from the task, whose memory would have to hold all this while a connection is idle.
    @inline(never)
    private func log(_ error: any Error, of connection: TCPConnection) {
        if error is CancellationError { return }
        let peer = connection.remoteAddress?.text ?? "unknown"
        logger.info("connection failed", metadata: ["peer": "\(peer)", "error": "\(error)"])
    }
}
