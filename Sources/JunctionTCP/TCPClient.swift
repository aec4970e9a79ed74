import JunctionCore
import JunctionTransport
public import NIOCore
import NIOPosix

/// Connects to TCP servers.
public enum TCPClient {
    /// Connects to `host`, trying its addresses as RFC 8305 says (Happy Eyeballs).
    ///
    /// The connection stays open until it is closed; prefer ``withConnection(host:port:framing:timeout:_:)``.
    ///
    /// - Parameters:
    ///   - timeout: for each attempt. 10 seconds.
    /// - Throws: ``NetworkError``, for example `.connectionRefused` or `.hostNotFound`; the message names each attempt.
    public static func connect(
        host: String = "localhost", port: Int, framing: Framing = .raw, timeout: Duration = .seconds(10)
    ) async throws -> TCPConnection {
        try await connect("connect to \(host):\(port)", framing, timeout) { $0.connect(host: host, port: port) }
    }

    /// Connects to an address.
    public static func connect(
        to address: SocketAddress, framing: Framing = .raw, timeout: Duration = .seconds(10)
    ) async throws -> TCPConnection {
        try await connect("connect to \(address.text)", framing, timeout) { $0.connect(to: address) }
    }

    /// Connects, runs `body` on the connection's event loop, and closes the connection when it returns or throws.
    ///
    /// ```swift
    /// try await TCPClient.withConnection(port: 3000) { connection in
    ///     try await connection.write("Hello Server!")
    ///     for try await data in connection.inbound { print(String(buffer: data)); break }
    /// }
    /// ```
    public static func withConnection<Result: Sendable>(
        host: String = "localhost", port: Int, framing: Framing = .raw, timeout: Duration = .seconds(10),
        _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        try await run(body, with: connect(host: host, port: port, framing: framing, timeout: timeout))
    }

    /// Connects to an address, runs `body` on the connection's event loop, and closes the connection when it ends.
    public static func withConnection<Result: Sendable>(
        to address: SocketAddress, framing: Framing = .raw, timeout: Duration = .seconds(10),
        _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        try await run(body, with: connect(to: address, framing: framing, timeout: timeout))
    }

    private static func run<Result: Sendable>(
        _ body: @Sendable (TCPConnection) async throws -> Result, with connection: TCPConnection
    ) async throws -> Result {
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await withTaskExecutorPreference(connection.executor) { try await body(connection) })
        } catch {
            result = .failure(error)
        }
        connection.close()
        await withTaskCancellationHandler {
            await connection.waitUntilClosed()
        } onCancel: {
            connection.forceClose()  // else a peer that does not read would hold the task
        }
        return try result.get()
    }

    private static func connect(
        _ action: String, _ framing: Framing, _ timeout: Duration,
        _ start: (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) async throws -> TCPConnection {
        let bootstrap = ClientBootstrap(group: EventLoops.group)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try StreamChannel.configure(channel)
                    let executor = LoopExecutor.of(channel.eventLoop)
                    let mark = TCPServer.Configuration().highWaterMark
                    try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionCore(executor: executor, framing: framing, highWaterMark: mark))
                }
            }
        do {
            return try await start(bootstrap).flatMapThrowing { channel in
                let core = try channel.pipeline.syncOperations.handler(type: ConnectionCore.self)
                return TCPConnection(channel: channel, core: core, executor: LoopExecutor.of(channel.eventLoop))
            }.get()
        } catch let error as NIOConnectionError {
            throw NetworkError(error, doing: action)
        } catch {
            throw NetworkError(error, doing: action)
        }
    }
}

extension NetworkError {
    /// One error for all attempts: the code of the first that says most, and a sentence that names each.
    fileprivate init(_ error: NIOConnectionError, doing action: String) {
        let attempts = error.connectionErrors.map { NetworkError($0.error, doing: "connect to \($0.target.text)") }
        guard let first = attempts.first else {
            self.init(.hostNotFound, "\(action): the host name has no address")
            return
        }
        self.init(first.code, "\(action): " + attempts.map(\.message).joined(separator: "; "))
    }
}
