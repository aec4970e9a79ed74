public import JunctionWebSocket
public import NIOCore
import Synchronization

extension SocketIOServer {
    /// Listens and serves until cancelled, shut down or closed (``close()``); returns when everything is closed. A server that
    /// has stopped may run again.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        engine.reopen()
        let web = WebServer(
            on: address, configuration: configuration, logger: options.logger,
            mounts: [engine.mount(at: options.path)])
        let stop = stops.wait()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await web.run(onListening: onListening) }
            group.addTask { await stop.value() }
            defer { group.cancelAll() }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
        await namespaces.close()
    }

    /// The server as a part of an HTTP server: a ``WebServer``, one built of NIO's handlers
    /// (`configureHTTPServerPipeline(mounting:)`), or a Hummingbird application (`JunctionHummingbird`). Several with paths of
    /// their own share one.
    ///
    /// The HTTP server is another's: it goes on when this server is closed. When it shuts down, the clients are told.
    public func mount() -> Mount {
        engine.mount(at: options.path) {
            self.close()
            await self.engine.shutDown()
            await self.namespaces.close()
        }
    }

    /// Ends every session and refuses new ones: sockets are disconnected with `server shutting down`, clients see the end of
    /// their connection. What was emitted before reaches them; one that polls gets it with its next poll, within
    /// ``EngineIOOptions/pollingCloseTimeout``.
    ///
    /// A server with a port of its own stops listening, too, and ``run(onListening:)`` returns when all connections have ended. A
    /// mounted one leaves its HTTP server running, which answers for it that it is shutting down.
    public func close() {
        engine.closeAll()
        stops.signal()
    }

    /// Refuses new clients, while those that are there go on. Returns when the last has gone, or after `timeout`; then the
    /// server is closed (``close()``).
    ///
    /// For servers that are replaced one after another behind a load balancer. A graceful shutdown does the same where
    /// ``WebServer/Configuration/lingerTimeout`` is set.
    public func drain(timeout: Duration) async {
        await mount().drain(timeout: timeout)
        close()
    }
}

/// Tells a server that runs that it is to stop.
final class StopSignal: Sendable {
    /// The wait of one run.
    struct Wait: Sendable {
        fileprivate let stream: AsyncStream<Void>

        /// Returns at the signal, or when the task is cancelled.
        func value() async { for await _ in stream {} }
    }

    private let waits = Mutex<[AsyncStream<Void>.Continuation]>([])

    /// Begins to wait.
    func wait() -> Wait {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        waits.withLock { $0.append(continuation) }
        return Wait(stream: stream)
    }

    /// Ends all waits.
    func signal() {
        let ended = waits.withLock { waits in
            defer { waits = [] }
            return waits
        }
        for continuation in ended { continuation.finish() }
    }
}
