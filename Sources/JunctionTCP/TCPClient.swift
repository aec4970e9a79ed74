public import JunctionCore
import JunctionTransport
public import NIOCore

/// Connects to TCP servers.
public enum TCPClient {
    /// Connects to `host`, trying its addresses as RFC 8305 says (Happy Eyeballs).
    ///
    /// The connection stays open until it is closed; prefer ``withConnection(host:port:framing:timeout:options:_:)``.
    ///
    /// - Parameters:
    ///   - host: a name, or an IP address.
    ///   - timeout: for the whole connect; short for the option of that name, whose default is 10 seconds.
    ///   - options: everything else that can be set.
    /// - Throws: ``NetworkError``, for example `.connectionRefused`, `.hostNotFound` or `.timedOut`; the message names each
    ///   address that was tried, and `underlying` has an error for each. `CancellationError` when the task is cancelled.
    public static func connect(
        host: String = "localhost", port: Int, framing: Framing = .raw, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions()
    ) async throws -> TCPConnection {
        try await connect(.host(host, port: port), framing, timeout, options)
    }

    /// Connects to an address, or to the path of a Unix domain socket.
    ///
    /// The parameters are those of ``connect(host:port:framing:timeout:options:)``.
    public static func connect(
        to address: SocketAddress, framing: Framing = .raw, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions()
    ) async throws -> TCPConnection {
        try await connect(.address(address), framing, timeout, options)
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
        host: String = "localhost", port: Int, framing: Framing = .raw, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        try await run(body, with: connect(.host(host, port: port), framing, timeout, options))
    }

    /// Connects to an address, runs `body` on the connection's event loop, and closes the connection when it ends.
    public static func withConnection<Result: Sendable>(
        to address: SocketAddress, framing: Framing = .raw, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        try await run(body, with: connect(.address(address), framing, timeout, options))
    }

    /// What ``ConnectOptions/resolver`` is when none is set: the system's hosts file and DNS. For resolvers that have answers
    /// of their own for some names only.
    public static var systemResolver: any HostResolver { SystemResolver() }

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
        _ target: Dialer.Target, _ framing: Framing, _ timeout: Duration?, _ options: ConnectOptions
    ) async throws -> TCPConnection {
        var options = options
        if let timeout { options.timeout = timeout }
        // Everything between the socket and the core, TLS for one, goes into the pipeline before the core.
        return try await Dialer(target, options: options).dial { channel in
            let executor = LoopExecutor.of(channel.eventLoop)
            let mark = TCPServer.Configuration().highWaterMark
            try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
            let core = ConnectionCore(executor: executor, framing: framing, highWaterMark: mark)
            try channel.pipeline.syncOperations.addHandler(core)
            return TCPConnection(channel: channel, core: core, executor: executor)
        }
    }
}
