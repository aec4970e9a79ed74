public import JunctionTCP
import JunctionTransport
public import NIOCore
import NIOEmbedded

/// A connection between a test and a server, without a socket.
///
/// ```swift
/// let server = TCPServer(port: 7, framing: .lines()) { connection in
///     for try await line in connection.inbound { try await connection.write(line) }
/// }
///
/// let clock = VirtualClock()
/// let link = try await InMemoryLink.connect(to: server, clock: clock, framing: .lines())
/// try await link.client.write("ping")
/// ```
///
/// The server's handler is given a ``TCPConnection`` as over a socket, with the same limits, back pressure, half-close and
/// errors. Time passes only when the ``VirtualClock`` is moved. A link stays open until one of its ends closes.
public final class InMemoryLink: Sendable {
    /// One of the two ends of a link.
    public enum End: Sendable {
        /// The test's.
        case client
        /// The server's.
        case server
    }

    /// The client's side, the same type as ``TCPClient`` gives.
    public let client: TCPConnection
    /// The clock that the link runs on.
    public let clock: VirtualClock

    private let clientChannel: InMemoryChannel
    private let serverChannel: InMemoryChannel

    private init(
        client: TCPConnection, clock: VirtualClock, channels: (client: InMemoryChannel, server: InMemoryChannel)
    ) {
        self.client = client
        self.clock = clock
        self.clientChannel = channels.client
        self.serverChannel = channels.server
    }

    /// Connects to `server`, which need not listen.
    ///
    /// The connection is made at once, also where its conditions have a delay. A server that refuses it closes it, as over a
    /// socket.
    ///
    /// - Parameters:
    ///   - clock: links that share a clock are ordered among each other, too.
    ///   - framing: the client's.
    ///   - configuration: the client's limits; there is no socket that could have options.
    ///   - conditions: what the way is like. Perfect.
    ///   - clientAddress: what the server sees as the remote address. 192.0.2.2 (RFC 5737) with another port for each link of
    ///     the clock.
    ///   - serverAddress: what the client sees as the remote address. 192.0.2.1:4000.
    /// - Throws: ``NetworkError`` when the client's end cannot be set up.
    public static func connect(
        to server: TCPServer, clock: VirtualClock, framing: Framing = .raw,
        configuration: TCPConnection.Configuration = .init(), conditions: Conditions = Conditions(),
        clientAddress: SocketAddress? = nil, serverAddress: SocketAddress? = nil
    ) async throws -> InMemoryLink {
        let clientAddress = try clientAddress ?? SocketAddress(ipAddress: "192.0.2.2", port: clock.nextPort())
        let serverAddress = try serverAddress ?? SocketAddress(ipAddress: "192.0.2.1", port: 4000)
        return try await clock.loop.submit {
            let channels = InMemoryChannel.pair(
                on: clock.loop, conditions: conditions, client: clientAddress, server: serverAddress)
            try StreamChannel.configure(channels.client)
            let client = try TCPClient.connection(
                on: channels.client, framing: framing, configuration: configuration)
            channels.client.registerAlreadyConfigured0(promise: nil)
            do {
                try StreamChannel.configure(channels.server)
                try server.accept(channels.server)
                channels.server.registerAlreadyConfigured0(promise: nil)
            } catch {
                channels.server.close(promise: nil)  // as a listener does
            }
            return InMemoryLink(client: client, clock: clock, channels: channels)
        }.get()
    }

    // MARK: Looking

    /// Bytes that `end` has sent and the other end has not read; at most ``Conditions/capacity``.
    public func unreadBytes(from end: End) async -> Int {
        await onLoop { $0.channel(end).sentAndNotRead }
    }

    // MARK: Failing

    /// Breaks the connection now: what is on its way is lost, and both ends fail with ECONNRESET.
    public func reset() async {
        await onLoop { $0.clientChannel.breakConnection() }
    }

    /// Breaks the connection when the first `count` bytes that `end` sent, counted from the beginning, have arrived; at once
    /// when they have already. The other end can read these and no more, then both fail with ECONNRESET.
    public func reset(afterBytes count: Int, from end: End) async {
        await onLoop { $0.channel(end).breakConnection(at: count) }
    }

    /// Has the next write of `end` fail, as if the kernel refused it. That closes this end.
    ///
    /// - Parameter errorCode: an `errno` value, for example `EPIPE`.
    public func failNextWrite(of end: End, errorCode: CInt) async {
        await onLoop { $0.channel(end).nextWriteError = IOError(errnoCode: errorCode, reason: "write(in memory)") }
    }

    private func channel(_ end: End) -> InMemoryChannel {
        switch end {
        case .client: clientChannel
        case .server: serverChannel
        }
    }

    private func onLoop<Result: Sendable>(_ body: @escaping @Sendable (InMemoryLink) -> Result) async -> Result {
        await withUnsafeContinuation { continuation in
            clock.loop.execute { continuation.resume(returning: body(self)) }
        }
    }
}
