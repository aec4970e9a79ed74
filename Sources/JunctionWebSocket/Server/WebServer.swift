public import JunctionCore
import JunctionTLS
public import JunctionTransport
public import Logging
public import NIOCore

/// An HTTP/1.1 server for one or several mounts, for example a Socket.IO server beside an Engine.IO server.
///
/// ```swift
/// try await WebServer(port: 3000, mounts: [io.mount(), engine.mount(at: "/engine.io")]).run()
/// ```
///
/// When it stops, it takes no more connections, tells the clients of its mounts, answers the requests that are under way, and
/// closes what is left after ``Configuration/drainTimeout``.
public final class WebServer: ListeningService {
    private let address: ListenAddress
    private let mounts: MountTable
    private let configuration: Configuration
    private let logger: Logger
    private let connections: ConnectionRegistry
    private let admission: Admission

    /// A server that passes each request to the mount for its path.
    ///
    /// - Parameters:
    ///   - address: where to listen: a host and a port, a Unix domain socket, a descriptor.
    ///   - mounts: the longest path that fits a request takes it; 404 where none does.
    public init(
        on address: ListenAddress, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.web"), mounts: [Mount]
    ) {
        self.address = address
        self.mounts = MountTable(mounts, localNamesOnly: configuration.localNamesOnly)
        self.configuration = configuration
        self.logger = logger
        self.connections = ConnectionRegistry(maximum: configuration.maximumConnections)
        self.admission = Admission(
            filter: configuration.filter, proxyProtocol: configuration.proxyProtocol, onDrop: configuration.onDrop,
            logger: logger)
    }

    /// A server on a host and a port.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    ///   - mounts: the longest path that fits a request takes it; 404 where none does.
    public convenience init(
        host: String? = nil, port: Int, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.web"), mounts: [Mount]
    ) {
        self.init(on: .host(host, port: port), configuration: configuration, logger: logger, mounts: mounts)
    }

    /// The number of open connections, WebSocket connections among them.
    public var connectionCount: Int { connections.count }

    /// Connections refused so far before anybody served them; see ``Configuration/onDrop``.
    public var droppedConnectionCount: Int { admission.droppedCount }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        let drainTimeout = TimeAmount(configuration.drainTimeout)
        var listener = Listener(address: address, drainTimeout: drainTimeout, logger: logger)
        listener.backlog = CInt(clamping: configuration.backlog)
        listener.reusePort = configuration.reusePort
        listener.socketOptions = configuration.socket
        if configuration.lingerTimeout > .zero {
            listener.linger = { [mounts, configuration] in await mounts.drain(timeout: configuration.lingerTimeout) }
        }
        listener.willDrain = { [mounts, admission] in
            await admission.drain(timeout: drainTimeout)
            await mounts.shutDownAll()
        }
        try await listener.run(connections: connections, onListening: onListening) { try self.accept($0) }
    }

    /// Serves an accepted channel, on its loop. A listener that shares its port calls it, too. Throws when the connection is
    /// refused, which has been counted then; the caller closes the channel.
    package func accept(_ channel: any Channel) throws {
        try admission.admit(channel) { try self.serve(channel, $0) }
    }

    /// - Parameter peer: where the connection really comes from.
    private func serve(_ channel: any Channel, _ peer: SocketAddress?) throws {
        let tls = try configuration.tls?.addHandlers(
            to: channel, doing: "TLS handshake with \(peer?.text ?? "a client")")
        let origin = HTTPOrigin(remoteAddress: peer, isSecure: tls != nil, isNextToSocket: tls == nil)
        let isAdded = try HTTPConnection.serve(
            channel, limits: HTTPLimits(), application: mounts, connections: connections, origin: origin)
        guard isAdded else {
            throw admission.refusedAsTooMany(limit: configuration.maximumConnections, channel, peer)
        }
        tls?.handshake.assumeIsolated().whenFailure { [admission] error in
            admission.refused(NetworkError(error, doing: "accept"), channel, peer)
        }
    }

    /// Tells the clients and ends the connections of a listener that shares its port.
    package func drain() async {
        let timeout = TimeAmount(configuration.drainTimeout)
        await admission.drain(timeout: timeout)
        await mounts.shutDownAll()
        await connections.drain(timeout: timeout, logger: logger)
    }
}
