public import JunctionCore
import JunctionSocketIO
import JunctionTCP
import JunctionTransport
import JunctionUDP
public import Logging
public import NIOCore

/// The default hub: raw TCP, UDP, Socket.IO and a web page on one port number, and everybody hears everybody.
///
/// One TCP port takes raw TCP as well as HTTP, WebSocket and Socket.IO, told apart by the first bytes; UDP has the same
/// number. Each line of a TCP client (or what it sent before a short silence), each datagram and each Socket.IO event
/// `message` reaches every other peer.
///
/// ```swift
/// try await Gateway(port: 3000).run()
/// ```
public final class Gateway: ListeningService {
    /// What can be set, with the defaults.
    public struct Configuration: Sendable {
        /// Bytes of a TCP line; a longer one ends its connection. 65,536.
        public var maximumLineLength = 65_536
        /// A TCP chunk without a line ending counts as a line after this long without another byte. 50 ms.
        public var lineFlushDelay: Duration = .milliseconds(50)
        /// A TCP client that says nothing for this long is a raw one that waits to be spoken to. 500 ms.
        public var sniffPatience: Duration = .milliseconds(500)
        /// A UDP peer that says nothing for this long has left. 5 minutes.
        public var udpIdleTimeout: Duration = .seconds(300)
        /// UDP peers at a time; datagrams of further ones are dropped and counted. 10,000.
        public var maximumUDPPeers = 10_000
        /// Bytes queued for a TCP or Socket.IO client that does not read, above which it is cut off. 16 MiB.
        public var maximumBufferedBytes = 16_777_216
        /// Origins of web pages, besides the gateway's own, that may connect.
        public var origins: Set<String> = []
        /// How long connections may take to end when the gateway drains. 5 seconds.
        public var drainTimeout: Duration = .seconds(5)

        /// The defaults.
        public init() {}
    }

    private let host: String
    private let port: Int
    private let configuration: Configuration
    private let logger: Logger
    private let io: SocketIOServer
    private let web: WebServer
    private let hub: Hub
    private let tcp: TCPServer

    /// A hub that ``ListeningService/run()`` starts.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; loopback by default, because nothing authenticates the peers.
    ///   - port: of TCP and UDP alike; 0 asks for any that is free for both.
    public init(
        host: String = "127.0.0.1", port: Int = 3000, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.gateway")
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.logger = logger
        var options = SocketIOOptions()
        options.logger = logger
        options.engine.maximumBufferedBytes = configuration.maximumBufferedBytes
        if !configuration.origins.isEmpty { options.engine.cors = .origins(configuration.origins) }
        let io = SocketIOServer(options: options)
        let hub = Hub(io: io, logger: logger)
        self.io = io
        self.hub = hub
        // Neither has a port of its own: the shared listener hands them their connections.
        var web = WebServer.Configuration()
        web.drainTimeout = configuration.drainTimeout
        web.localNamesOnly = Self.isLoopback(host)
        self.web = WebServer(port: 0, configuration: web, logger: logger, mounts: [io.mount(), ConsolePage.mount])
        self.tcp = Self.makeTCPServer(hub: hub, configuration: configuration, logger: logger)
        io.onConnection { Self.serve($0, hub) }
    }

    /// Only this machine can reach a server that listens on `host`.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    // MARK: Running

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        var attempts = port == 0 ? 10 : 1
        while true {
            do {
                return try await listen(onListening: onListening)
            } catch let error as NetworkError where error.code == .addressInUse && attempts > 1 {
                attempts -= 1  // the TCP port that was given is taken on UDP: ask for another
            }
        }
    }

    private func listen(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        // UDP first: a TCP client must not be let in before the whole gateway stands.
        let socket = try await UDPSocket.bind(host: host, port: port)
        defer { socket.close() }
        let number = socket.localAddress?.port ?? port
        let datagrams = DatagramPeers(
            hub: hub, idleTimeout: configuration.udpIdleTimeout, maximumPeers: configuration.maximumUDPPeers,
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await datagrams.serve(socket) }
            group.addTask { try await self.listenTCP(port: number, onListening: onListening) }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func listenTCP(port: Int, onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        var listener = Listener(address: .host(host, port: port), drainTimeout: .zero, logger: logger)
        let drainTimeout = TimeAmount(configuration.drainTimeout)
        // A connection belongs to the server that takes it, and to neither before it has said what it speaks.
        let undecided = ConnectionRegistry()
        listener.willDrain = { [io, web, tcp, logger] in
            io.close()  // first: a page that is open is not to be told of each client that goes
            await undecided.drain(timeout: drainTimeout, logger: logger)
            async let web: Void = web.drain()
            await tcp.drain()  // meanwhile: a web client that takes its time costs the others none of theirs
            await web
        }
        let patience = TimeAmount(configuration.sniffPatience)
        try await listener.run(connections: undecided, onListening: onListening) { [web, tcp] channel in
            let entry = ArrivingConnection(channel: channel)
            undecided.insert(entry)
            channel.closeFuture.whenComplete { _ in undecided.remove(entry) }
            let sniffer = PortSniffer(patience: patience) { verdict, channel in
                switch verdict {
                case .http: try web.accept(channel)
                case .raw: try tcp.accept(channel)
                case .httpAfterSilence:
                    try tcp.release(channel)
                    try web.accept(channel)
                }
                undecided.remove(entry)
            }
            try channel.pipeline.syncOperations.addHandler(sniffer)
        }
    }

    // MARK: Peers

    private static func makeTCPServer(hub: Hub, configuration: Configuration, logger: Logger) -> TCPServer {
        var options = TCPServer.Configuration()
        options.drainTimeout = configuration.drainTimeout
        options.connection.maximumBufferedBytes = configuration.maximumBufferedBytes
        let framing = Framing.lines(
            maximumLength: configuration.maximumLineLength, flushingAfter: configuration.lineFlushDelay)
        return TCPServer(port: 0, framing: framing, configuration: options, logger: logger) { connection in
            let peer = Peer(
                id: hub.makeID(.tcp), transport: .tcp, address: connection.remoteAddress?.text ?? "unknown")
            hub.join(peer) { connection.write($0.withoutLineEnding) }
            do {
                for try await line in connection.inbound { hub.publish(HubMessage(from: peer, bytes: line)) }
                hub.leave(peer, reason: (await connection.closeReason ?? .remoteClosed).description)
            } catch {
                hub.leave(peer, reason: "\(error)")
                throw error
            }
        }
    }

    private static func serve(_ socket: Socket, _ hub: Hub) {
        let peer = Peer(id: socket.id, transport: .socketIO, address: socket.handshake.address)
        hub.join(peer, write: nil)
        socket.emit("peers", hub.peers)
        socket.on("message") { (value: SocketIOValue) in hub.publish(HubMessage(from: peer, value: value)) }
        socket.onDisconnect { hub.leave(peer, reason: $0.rawValue) }
    }
}
