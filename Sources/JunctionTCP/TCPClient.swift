public import JunctionCore
public import JunctionFraming
public import JunctionTLS
public import JunctionTransport
public import NIOCore
import NIOPosix

/// Connects to TCP servers.
public enum TCPClient {
    /// Connects to `host`, trying its addresses as RFC 8305 says (Happy Eyeballs).
    ///
    /// The connection stays open until it is closed; prefer
    /// ``withConnection(host:port:framing:tls:timeout:options:configuration:_:)``.
    ///
    /// - Parameters:
    ///   - host: a name, or an IP address.
    ///   - tls: speaks TLS; the call returns when the handshake is done.
    ///   - timeout: for the whole connect; short for the option of that name, whose default is 10 seconds.
    ///   - options: everything else about connecting.
    ///   - configuration: limits and socket options of the connection.
    /// - Throws: ``NetworkError``, for example `.connectionRefused`, `.hostNotFound`, `.timedOut` or `.certificateExpired`; the
    ///   message names each address that was tried, and `underlying` has an error for each. `CancellationError` when the task
    ///   is cancelled.
    public static func connect(
        host: String = "localhost", port: Int, framing: Framing = .raw, tls: ClientTLS? = nil, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), configuration: TCPConnection.Configuration = .init()
    ) async throws -> TCPConnection {
        try await Connector(framing, tls, timeout, options, configuration).connect(.host(host, port: port))
    }

    /// Connects to an address, or to the path of a Unix domain socket.
    ///
    /// The parameters are those of ``connect(host:port:framing:tls:timeout:options:configuration:)``.
    public static func connect(
        to address: SocketAddress, framing: Framing = .raw, tls: ClientTLS? = nil, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), configuration: TCPConnection.Configuration = .init()
    ) async throws -> TCPConnection {
        try await Connector(framing, tls, timeout, options, configuration).connect(.address(address))
    }

    /// Connects a socket that was bound before, so that others know the port that the connection comes from.
    ///
    /// - Parameter timeout: for the connect. 10 seconds.
    public static func connect(
        from socket: BoundSocket, to address: SocketAddress, framing: Framing = .raw, tls: ClientTLS? = nil,
        timeout: Duration = .seconds(10), configuration: TCPConnection.Configuration = .init()
    ) async throws -> TCPConnection {
        try await Connector(framing, tls, timeout, ConnectOptions(), configuration).connect(from: socket, to: address)
    }

    /// Connects, runs `body` on the connection's event loop, and closes the connection when it returns or throws.
    ///
    /// ```swift
    /// try await TCPClient.withConnection(port: 3000) { connection in
    ///     try await connection.write("Hello Server!")
    ///     for try await data in connection.inbound { print(String(buffer: data)); break }
    /// }
    /// ```
    ///
    /// The parameters are those of ``connect(host:port:framing:tls:timeout:options:configuration:)``.
    public static func withConnection<Result: Sendable>(
        host: String = "localhost", port: Int, framing: Framing = .raw, tls: ClientTLS? = nil, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), configuration: TCPConnection.Configuration = .init(),
        _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        let connector = Connector(framing, tls, timeout, options, configuration)
        return try await run(body, with: connector.connect(.host(host, port: port)))
    }

    /// Connects to an address, runs `body` on the connection's event loop, and closes the connection when it ends.
    public static func withConnection<Result: Sendable>(
        to address: SocketAddress, framing: Framing = .raw, tls: ClientTLS? = nil, timeout: Duration? = nil,
        options: ConnectOptions = ConnectOptions(), configuration: TCPConnection.Configuration = .init(),
        _ body: @Sendable (TCPConnection) async throws -> Result
    ) async throws -> Result {
        let connector = Connector(framing, tls, timeout, options, configuration)
        return try await run(body, with: connector.connect(.address(address)))
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
}
